"""Does anything of ours outlive us? The harness itself is harmed at random instants, and what is left is looked for."""
