"""What tests of the backup store start from."""

from zkstate.backup.sealed import Cost

CHEAP = Cost(1, 8, 1)
PASSPHRASE, OTHER = b"six words that nobody has said", b"and six others for the account key"


def secret_file(path, content):
    path.write_bytes(content)
    path.chmod(0o600)
    return path
