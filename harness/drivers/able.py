"""Whether this engine and kernel can do what a scenario's faults need: tried once, and remembered for them."""

import secrets
from collections.abc import Collection, Mapping
from pathlib import Path

import docker
import msgspec

from harness.drivers.doctor import try_some
from harness.drivers.provision import Say
from harness.errors import UnableError
from harness.faults import Fault
from harness.weave.pods import Labels


def refuse(
    faults: Collection[Fault], client: docker.DockerClient, image: str, known: Path, record: Path, say: Say
) -> None:
    """Raises ``UnableError``, by the names of the faults, if something they need does not work here.

    ``image``: the sidecar's. ``known``: a folder in which what worked is remembered. Whatever is started for a trial
    carries ``record``, so that it is found again if we die meanwhile.
    """
    needs = {fault.name: fault.needs() for fault in faults}
    wanted = {name for names in needs.values() for name in names}
    if not wanted:
        return
    file = known / f"able-{_identity(client, image)}.json"
    works = _remembered(file)
    if wanted - works:
        say(f"trying what this engine must be able to do: {', '.join(sorted(wanted - works))}")
        labels = Labels(f"chaos-able-{secrets.token_hex(3)}", str(record))
        trials = try_some(client, image, labels, wanted - works)
        works |= {trial.mechanism.name for trial in trials if trial.outcome == "ok"}
        file.write_bytes(msgspec.json.encode(sorted(works)))
        bad = {trial.mechanism.name: trial for trial in trials if trial.outcome != "ok"}
        if bad:
            raise UnableError(_sentence(needs, {name: (t.seen, t.mechanism.remedy) for name, t in bad.items()}))


def _sentence(needs: Mapping[str, Collection[str]], bad: Mapping[str, tuple[str, str]]) -> str:
    parts = []
    for name, (seen, remedy) in bad.items():
        faults = ", ".join(fault for fault, names in needs.items() if name in names)
        parts.append(f"{faults} cannot be injected here: {name} does not work ({seen}); {remedy}")
    return ". ".join(parts) + ". 'harness doctor' tries everything."


def _identity(client: docker.DockerClient, image: str) -> str:
    """Another kernel, engine or sidecar may do other things."""
    info = client.info()
    return "-".join((str(info["ID"]).replace(":", "")[:12], str(info["KernelVersion"]), image.rpartition(":")[2]))


def _remembered(file: Path) -> set[str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=set[str])
    except (OSError, msgspec.MsgspecError):
        return set()
