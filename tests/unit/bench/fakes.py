"""Parts that take no time: modules made in a directory of the test, in the rooms of platforms that nobody knows."""

from __future__ import annotations

from pathlib import Path

ROW = 'Row("{what}", "1 s", "limit 2 s", 0.5, "<= 1.00", True)'

BODIES = {
    "good": f"    yield {ROW.format(what='first')}\n    print('noise')\n    yield {ROW.format(what='second')}\n",
    "slow": "    yield Row('slow', '9 s', 'limit 2 s', 4.5, '<= 1.00', False)\n"
    "    yield Row('known', '1', '2', 0.5, TO_KNOW, False)\n",
    "raising": f"    yield {ROW.format(what='before it raised')}\n    raise ValueError('the disk is full')\n",
    "exiting": f"    yield {ROW.format(what='before it ended')}\n    raise SystemExit('nothing waits')\n",
    "killed": f"    yield {ROW.format(what='before it was killed')}\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    "leaving": f"    yield {ROW.format(what='before it left')}\n    os._exit(0)\n",
    "toolless": f"    yield {ROW.format(what='without the tool')}\n    raise Missing('Chromium is not installed; install it')\n",
    "broken": "    yield from ()\n\nimport no_such_module\n",
}


def write(folder: Path) -> dict[str, str]:
    """Write each as `<name>_part.py`; give the modules by the parts' names."""
    for name, body in BODIES.items():
        head = "import os\nimport signal\nfrom bench.rows import TO_KNOW, Missing, Row\n\n\ndef rows():\n"
        (folder / f"{name}_part.py").write_text(head + body)
    return {name: f"{name}_part" for name in BODIES}
