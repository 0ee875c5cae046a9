"""Ed25519 keys in PEM files, as ``openssl genpkey -algorithm ed25519`` writes them."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import BundleError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_BYTES = 64
_MISSING = "Signatures need the package 'cryptography': pip install 'chaos-harness[signoff]'."


class SigningKey:
    """Raises ``BundleError`` where the file is no private Ed25519 key without a passphrase."""

    def __init__(self, file: Path) -> None:
        self._key = _private(file)
        self.fingerprint = _fingerprint(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)


class PublicKey:
    """Raises ``BundleError`` where the file is no public Ed25519 key."""

    def __init__(self, file: Path) -> None:
        self._key = _public(file)
        self.fingerprint = _fingerprint(self._key)

    def signed(self, signature: bytes, data: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


def _private(file: Path) -> "Ed25519PrivateKey":
    data = _read(file)
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise BundleError(_MISSING) from error
    try:
        key = load_pem_private_key(data, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:  # TypeError: it wants a passphrase
        text = f"{file} is no private key in PEM without a passphrase: openssl genpkey -algorithm ed25519 makes one."
        raise BundleError(text) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BundleError(f"{file} is a key of another kind: openssl genpkey -algorithm ed25519 makes the right one.")
    return key


def _public(file: Path) -> "Ed25519PublicKey":
    data = _read(file)
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise BundleError(_MISSING) from error
    how = "openssl pkey -in KEY -pubout makes one of the private key."
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BundleError(f"{file} is no public key in PEM: {how}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BundleError(f"{file} is a key of another kind than Ed25519: {how}")
    return key


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleError(f"The key {file} cannot be read: {error.strerror}.") from error


def _fingerprint(key: "Ed25519PublicKey") -> str:
    """The first 16 bytes of the SHA-256 of the raw public key, in hex."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:32]
