"""Where `raiiaf` documents its class to be."""

from holotype.compat.raiiaf._handler import raiiafFileHandler

__all__ = ["raiiafFileHandler"]
