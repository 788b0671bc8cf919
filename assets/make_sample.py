"""Renders assets/sample.png: `python assets/make_sample.py`. Needs numpy and Pillow.

A ray-marched still life (shaded spheres on a ground plane, sky gradient, film grain) with the metadata that
real files carry: an ICC profile, EXIF, XMP, text and a resolution. The same numbers give the same picture.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

WIDTH, HEIGHT = 512, 341
SPHERES = (
    # centre x, y, z, radius, colour
    (-1.15, 0.85, 5.2, 0.85, (0.80, 0.23, 0.17)),
    (0.55, 0.60, 4.3, 0.60, (0.95, 0.72, 0.25)),
    (1.75, 1.05, 6.4, 1.05, (0.18, 0.42, 0.55)),
    (-0.25, 0.32, 3.4, 0.32, (0.55, 0.75, 0.40)),
    (2.30, 0.28, 3.9, 0.28, (0.72, 0.48, 0.70)),
)
LIGHT = np.array([-0.55, 0.75, -0.38])


def trace(origin: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to, and index of, the first sphere each ray meets; infinity and -1 if none."""
    nearest = np.full(ray.shape[:2], np.inf)
    index = np.full(ray.shape[:2], -1)
    for i, (x, y, z, radius, _) in enumerate(SPHERES):
        to = origin - np.array([x, y, z])
        b = (to * ray).sum(-1)
        d = b * b - ((to * to).sum(-1) - radius * radius)
        t = np.where(d > 0, -b - np.sqrt(np.maximum(d, 0)), np.inf)
        hit = (t > 1e-3) & (t < nearest)
        nearest, index = np.where(hit, t, nearest), np.where(hit, i, index)
    return nearest, index


def render() -> np.ndarray:
    light = LIGHT / np.linalg.norm(LIGHT)
    x, y = np.meshgrid(np.linspace(-1.5, 1.5, WIDTH), np.linspace(1, -1, HEIGHT))
    ray = np.stack([x, y - 0.12, np.full_like(x, 2.1)], -1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    eye = np.array([0.2, 1.15, -0.6])
    distance, index = trace(eye, ray)

    up = np.clip(ray[..., 1:2], 0, 1)
    colour = (1 - up) * np.array([0.93, 0.87, 0.80]) + up * np.array([0.42, 0.58, 0.78])
    ground = np.where(ray[..., 1] < -1e-4, -eye[1] / np.minimum(ray[..., 1], -1e-4), np.inf)
    on_ground = ground < distance
    point = eye + np.where(on_ground, ground, np.where(np.isinf(distance), 1, distance))[..., None] * ray
    checks = (np.floor(point[..., 0] * 1.5) + np.floor(point[..., 2] * 1.5)) % 2
    wood = 0.55 + 0.06 * np.sin(point[..., 0] * 9 + 2 * np.sin(point[..., 2] * 3)) + 0.10 * checks
    floor = wood[..., None] * np.array([1.0, 0.84, 0.66])
    shadow = trace(point + 1e-3 * light, np.broadcast_to(light, ray.shape))[1] >= 0
    haze = np.exp(-np.where(on_ground, ground, 0) / 14)[..., None]
    floor = haze * floor * np.where(shadow, 0.45, 1.0)[..., None] + (1 - haze) * colour
    colour = np.where(on_ground[..., None], floor, colour)

    for i, (cx, cy, cz, radius, base) in enumerate(SPHERES):
        normal = (point - np.array([cx, cy, cz])) / radius
        lambert = np.clip((normal * light).sum(-1), 0, 1) * np.where(shadow, 0.15, 1.0)
        mirror = ray - 2 * (ray * normal).sum(-1, keepdims=True) * normal
        glint = np.clip((mirror * light).sum(-1), 0, 1) ** 40
        rim = (1 - np.abs((normal * ray).sum(-1))) ** 3
        lit = (0.22 + 0.85 * lambert)[..., None] * np.array(base)
        shade = lit + (0.6 * glint + 0.18 * rim)[..., None]
        colour = np.where(((index == i) & ~on_ground)[..., None], shade, colour)

    vignette = 1 - 0.18 * (x * x / 2.25 + y * y)
    grain = np.random.Generator(np.random.PCG64(7)).normal(0, 0.006, (HEIGHT, WIDTH, 1))
    linear = np.clip(colour * vignette[..., None] + grain, 0, 1)
    return np.rint(255 * linear ** (1 / 1.15)).astype(np.uint8)


def main() -> None:
    image = Image.fromarray(render())
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "Holotype sample")
    text.add_itxt("Description", "Five spheres on a chequered floor; rendered, not photographed", lang="en")
    text.add_text("Software", "assets/make_sample.py", zip=True)
    xmp = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:rights>CC0-1.0</dc:rights></rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )
    text.add_itxt("XML:com.adobe.xmp", xmp)
    exif = Image.Exif()
    exif[0x010E] = "Holotype sample"
    exif[0x0112] = 1
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes.fromhex("07ea000b0015000000000000")  # creation date, so that runs agree
    path = Path(__file__).with_name("sample.png")
    image.save(path, icc_profile=bytes(profile), exif=exif, dpi=(300, 300), pnginfo=text, optimize=True)


if __name__ == "__main__":
    main()
