"""What talks to the world: the engine, the compose plugin, Prometheus, and what installs them where they are not."""
