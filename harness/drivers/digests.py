"""Which image a name stood for, as the engine that runs it knows it."""

from collections.abc import Iterable, Mapping

import docker
import docker.errors
import requests

_VERSION = "org.opencontainers.image.version"


def digests(client: docker.DockerClient, references: Iterable[str]) -> Mapping[str, str]:
    """reference -> the engine's digest of it, the registry's if there is one, and the version that it says it has."""
    return {reference: _known(client, reference) for reference in references}


def _known(client: docker.DockerClient, reference: str) -> str:
    try:
        image = client.images.get(reference)
    except docker.errors.ImageNotFound:
        return "was not on this engine before the run"
    except (docker.errors.DockerException, requests.RequestException) as error:
        return f"the engine did not say ({error})"
    attrs = image.attrs
    version = (attrs.get("Config", {}).get("Labels") or {}).get(_VERSION)
    said = [str(image.id), *sorted(attrs.get("RepoDigests") or ()), *([f"version {version}"] if version else [])]
    return " ".join(said)
