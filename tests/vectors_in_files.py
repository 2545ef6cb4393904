"""The same few word vectors in the formats that files have them in."""

import struct

import numpy as np

WORDS = ("the", "Berg", "1.5", "a", "nan")
MATRIX = np.array([[1, -2.5, 3e-3], [0, 0.5, 1], [7, 8, 9], [-1e-2, 0, 0], [2, 2, 2]], dtype=np.float32)


def text(words=WORDS, matrix=MATRIX, header=False, end="\n"):
    lines = [f"{len(words)} {matrix.shape[1]}"] if header else []
    lines += [" ".join([word, *(f"{number:.6g}" for number in row)]) for word, row in zip(words, matrix, strict=True)]
    return "".join(line + end for line in lines).encode()


def binary(words=WORDS, matrix=MATRIX, separator=b"\n"):
    rows = zip(words, matrix, strict=True)
    packed = (word.encode() + b" " + struct.pack(f"<{len(row)}f", *row) + separator for word, row in rows)
    return f"{len(words)} {matrix.shape[1]}\n".encode() + b"".join(packed)
