"""What a release is signed with: bundles, their manifest and waivers."""
