"""Playing a scenario on a running cluster. One thread decides; readers, heartbeat and engine calls never do."""
