"""A file in MaxMind's format, with a few networks of IPv4."""

import ipaddress


def value(v):
    def control(kind, size):
        first = (kind << 5 if kind < 8 else 0) | min(size, 29)
        return bytes([first]) + (bytes([kind - 7]) if kind >= 8 else b"") + (bytes([size - 29]) if size >= 29 else b"")

    if isinstance(v, str):
        return control(2, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return control(11, len(v)) + b"".join(map(value, v))
    if isinstance(v, dict):
        return control(7, len(v)) + b"".join(value(k) + value(x) for k, x in v.items())
    kind, size = {"uint16": (5, 2), "uint64": (9, 8)}.get(v[0], (6, 4)) if isinstance(v, tuple) else (6, 4)
    return control(kind, size) + (v[1] if isinstance(v, tuple) else v).to_bytes(size, "big")


def make(networks):
    """networks: {"192.0.2.0/24": {...}}"""
    nodes, data, offsets = [[None, None]], b"", {}
    for text, content in networks.items():
        network = ipaddress.ip_network(text)
        offsets[text] = len(data)
        data += value(content)
        at = 0
        bits = f"{int(network.network_address):032b}"[: network.prefixlen]
        for i, bit in enumerate(bits):
            if i == len(bits) - 1:
                nodes[at][int(bit)] = ("data", text)
            else:
                if nodes[at][int(bit)] is None:
                    nodes.append([None, None])
                    nodes[at][int(bit)] = len(nodes) - 1
                at = nodes[at][int(bit)]

    def record(r):
        number = len(nodes) if r is None else len(nodes) + 16 + offsets[r[1]] if isinstance(r, tuple) else r
        return number.to_bytes(3, "big")

    tree = b"".join(record(left) + record(right) for left, right in nodes)
    metadata = {"binary_format_major_version": ("uint16", 2), "binary_format_minor_version": ("uint16", 0),
                "build_epoch": ("uint64", 1700000000),
                "database_type": "Test", "description": {"en": "test"}, "ip_version": ("uint16", 4), "languages": ["en"],
                "node_count": len(nodes), "record_size": ("uint16", 24)}
    return tree + b"\0" * 16 + data + b"\xab\xcd\xefMaxMind.com" + value(metadata)
