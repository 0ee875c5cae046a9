"""What a pod's own connections and questions meet instead of their target: our resolver, our tampering proxy.

An agent turns them around in the kernel (``nat``) to a child process of its own (``program``), which answers for the
resolver (``names``, ``messages``) or passes on what it has changed (``tamper``, ``framing``, ``changes``).
"""
