# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/operations.md as they stand there."""
import re
from pathlib import Path

DOC = Path(__file__).resolve().parent.parent.parent / "docs/operations.md"


def as_written(m, name, folder, instead, **kw):
    """Runs the block of that name in a folder of machine m. instead: what a
    reader puts in place of what stands there, {"COORDINATOR": "c0"}."""
    block = re.search(rf"<!-- tried: {name} -->\n```sh\n(.*?)```",
                      DOC.read_text(), re.S).group(1)
    for word, said in instead.items():
        assert word in block, f"{word} is not in the block {name}: {block}"
        block = block.replace(word, said)
    return m.run("sh", "-e", "-c", f"cd {folder}\n{block}", **kw)
