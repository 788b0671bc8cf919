"""The documented calls of the `raiiaf` package on Holotype archives.

>>> from holotype.compat.raiiaf.main import raiiafFileHandler   # instead of: from raiiaf.main import …

What differs, always towards keeping and checking:

* Nothing is lost by default: `convert_float16` is False unless asked for, and refuses values that would
  overflow; tensors of any rank and dtype, NaN and infinities are stored as they are; `png_to_bytes` gives the
  file's own bytes.
* Every hash is checked when a file is read, and a changed file is an `IntegrityError`. Limits hold on reading
  too.
* `generation_settings` and `hardware_info` may be left out; `chunk_records` too, and one that is given is
  filled with the records of this file alone.
* A changed environment is one `EnvironmentDriftWarning` (a `UserWarning`) that names every component.

Files are Holotype archives, with the extension `.raiiaf` or `.holo`.
"""

from holotype.compat.raiiaf._handler import raiiafFileHandler

__all__ = ["raiiafFileHandler"]
