"""``python -m services.ops`` is ``lobby``."""

import sys

from services.ops.cli.main import main

sys.exit(main())
