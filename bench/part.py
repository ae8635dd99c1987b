"""Run one part and print a JSON object a line, as soon as it is known: its rows, then why it ended early, if it did."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import sys
import traceback

from bench.rows import Missing


def main(module: str) -> int:
    """End with 1 when the part failed. Whatever else a part or its processes print goes to standard error."""
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)

        def tell(**said: object) -> None:
            print(json.dumps(said), file=out, flush=True)

        try:
            for row in importlib.import_module(module).rows():
                tell(row=dataclasses.asdict(row))
        except Missing as missing:
            tell(missing=str(missing))
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            tell(failed=f"{type(error).__name__}: {error}")
            return 1
        else:
            tell(done=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
