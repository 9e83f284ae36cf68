"""``python -m services.ops`` is ``lobby``."""

import sys

from services.ops.main import main

sys.exit(main())
