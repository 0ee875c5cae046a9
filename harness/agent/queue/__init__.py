"""The packet queue: packets from a peer wait, are lost, doubled, overtaken or corrupted as they arrive in this pod.

``mechanism`` is the agent's side, ``program`` the child process that decides on every packet (``python -m`` this
package), ``witness`` sends datagrams of its own through the fault. No queueing discipline is needed: netfilter hands
the packets out, and takes them back when and as we say.
"""
