"""Give commands to the real gcloud, all in one process: each start of it takes two seconds.

Run by gcloud's own Python with its lib folder; reads a list of commands as JSON. Of each, gcloud reads every word before it looks
for an account; what it says goes to stderr, behind a NUL.
"""

from __future__ import annotations

import json
import sys

library = sys.argv[1]
sys.path[:0] = [library, f"{library}/third_party"]

from googlecloudsdk import gcloud_main  # type: ignore[import-not-found]  # noqa: E402

cli = gcloud_main.CreateCLI([])
for command in json.load(sys.stdin):
    sys.stderr.write("\0")
    try:
        cli.Execute(command)
    except SystemExit:
        continue
