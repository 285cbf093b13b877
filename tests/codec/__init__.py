"""What is written into env files, held against the programs that read them: real parsers, a generated corpus, a fuzzer."""

import sys
from pathlib import Path

HOST_CODE = str(Path(__file__).resolve().parents[2] / "plugins" / "module_utils")
if HOST_CODE not in sys.path:
    sys.path.insert(0, HOST_CODE)
