"""Drop-in modules: the documented calls of other systems, argument for argument, on Holotype archives.

>>> import holotype.compat.avix as avix   # instead of: import avix
>>> import holotype.compat.pzp as pzp     # instead of: import pzp
>>> import holotype.compat.hexz as hexz   # instead of: import hexz
>>> from holotype.compat.raiiaf.main import raiiafFileHandler   # instead of: from raiiaf.main import …

The files they write are Holotype archives, whatever their extension.
"""
