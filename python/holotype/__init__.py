"""One sealed, lossless, random-access file for images, tensors and data sets."""

from holotype._holotype import __version__

__all__ = ["__version__"]
