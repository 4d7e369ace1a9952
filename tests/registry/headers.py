"""Headers as the registry sees them: 480 bytes with fields at fixed offsets (docs/spec.md, section 5)."""

VENUE = int.from_bytes(bytes(range(1, 32)), "big")
MAGIC = b"zkstate\x01"


def header(epoch, time, previous, root, venue=VENUE, magic=MAGIC, size=480, filler=0):
    data = bytearray([filler]) * 480
    data[0:8] = magic
    data[72:104] = venue.to_bytes(32, "big")
    data[104:112] = epoch.to_bytes(8, "big")
    data[112:120] = time.to_bytes(8, "big")
    data[120:152] = previous.to_bytes(32, "big")
    data[152:184] = root.to_bytes(32, "big")
    return bytes(data[:size])
