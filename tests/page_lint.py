"""Fetch axe-core, with which a test looks at the page of the mock server. `make page-lint` runs both."""

import sys

from .npx import Program

AXE = Program("axe-core@4.14.1", node=(18, 0))

if __name__ == "__main__":
    sys.exit(AXE.left_out("axe-core"))
