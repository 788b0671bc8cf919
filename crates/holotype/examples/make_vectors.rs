//! Writes the golden vectors of `docs/vectors` that do not exist yet. Existing ones are never touched.
//!
//!     cargo run --release --example make_vectors -- docs/vectors
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "vectors/animation.rs"]
mod animation;
#[path = "vectors/bulk.rs"]
mod bulk;
#[path = "vectors/checkpoints.rs"]
mod checkpoints;
#[path = "vectors/deltas.rs"]
mod deltas;
#[path = "vectors/digits.rs"]
mod digits;
#[path = "vectors/encryption.rs"]
mod encryption;
#[path = "vectors/generation.rs"]
mod generation;
#[path = "vectors/holes.rs"]
mod holes;
#[path = "vectors/lanes.rs"]
mod lanes;
#[path = "vectors/lossy.rs"]
mod lossy;
#[path = "vectors/noise.rs"]
mod noise;
#[path = "vectors/packing.rs"]
mod packing;
#[path = "vectors/parents.rs"]
mod parents;
#[path = "vectors/restored.rs"]
mod restored;
#[path = "vectors/revisions.rs"]
mod revisions;
#[path = "vectors/tensors.rs"]
mod tensors;

use holotype::{
    Alpha, Archive, ChannelOrder, ColourModel, ElementOrder, ElementType, ImageDescriptor, ImageOptions,
    Metadata, MetadataKind, Mode, Palette, Preview, PreviewChoice, SampleType, SecretKey, SourceImage,
    TensorCodec, TensorDescriptor, TensorOptions, Writer, WriterOptions,
};
use holotype_container::cbor::Value;
use holotype_container::{ArchiveBuilder, BlockRun, Codec, ItemKind, ItemRecord, SignatureFile};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

const MODES: [(&str, Mode); 3] =
    [("fast", Mode::Fast), ("standard", Mode::Standard), ("archival", Mode::Archival)];

/// Images with at least this many pixels are smooth and noisy, like photographs.
const N_SMOOTH: u64 = 5000;

/// Images of these widths have noise that is common to their channels.
const COLOURED: [u32; 2] = [133, 134];

/// The third channel of images this wide is the mean of the first two.
const MEAN_WIDTH: u32 = 135;

/// Images this wide are flat in their left half.
const HALF_FLAT: u32 = 260;

/// Floats of images this wide fit a narrower type.
const NARROW_WIDTH: u32 = 21;

/// The value of a binary16.
fn half_value(bits: u16) -> f32 {
    let (sign, exponent, fraction) =
        (u32::from(bits >> 15), u32::from(bits >> 10 & 31), u32::from(bits & 1023));
    match exponent {
        31 => f32::from_bits(sign << 31 | 0x7F80_0000 | fraction << 13),
        0 => (1.0 - 2.0 * sign as f32) * fraction as f32 / (1 << 24) as f32,
        _ => f32::from_bits(sign << 31 | (exponent + 112) << 23 | fraction << 13),
    }
}

/// Reproducible samples with structure: waves and a little noise, or few values for palettes.
fn samples(image: &ImageDescriptor) -> Vec<u8> {
    let mut state = u64::from(image.width) << 32 | u64::from(image.height);
    let mut out = Vec::new();
    for i in 0..image.n_pixels() * u64::from(image.n_channels) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (c, pixel) = (i % u64::from(image.n_channels), i / u64::from(image.n_channels));
        let (x, y) = (pixel % u64::from(image.width), pixel / u64::from(image.width));
        if COLOURED.contains(&image.width) {
            // Channels that go together; of the third, half goes with the first.
            let share = if c == 2 && image.width == COLOURED[1] { 0x5555_5555 } else { 0 };
            state = (pixel << 40 ^ c)
                .wrapping_mul(share | 1)
                .wrapping_add(pixel.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        }
        let wave = if image.width == HALF_FLAT && x < 130 {
            200 + c
        } else if image.n_pixels() < N_SMOOTH {
            (x * x + 3 * y * y) / 5 + 40 * c + (state >> 61)
        } else {
            (x * x + 2 * x * y) / 300 + 9 * c + (state >> 61) * (1 + x / 64) + (state >> 58 & 7)
        };
        let bits = match image.sample {
            // Every kind of binary16, widened.
            SampleType::F32 if image.width == NARROW_WIDTH => {
                u64::from(half_value((wave as u16).wrapping_mul(1501)).to_bits())
            }
            SampleType::F64 if image.width == NARROW_WIDTH => {
                f64::from(f32::from_bits(wave.wrapping_mul(0x0101_7F33) as u32)).to_bits()
            }
            SampleType::Bool => wave & 1,
            SampleType::F16 => 0x3000 + wave * 13,
            SampleType::F32 if state >> 60 == 3 => u64::from(f32::NAN.to_bits() | 77),
            SampleType::F32 => u64::from((wave as f32 / 7.0 - 20.0).to_bits()),
            SampleType::F64 if state >> 60 == 3 => (-0.0_f64).to_bits(),
            SampleType::F64 => (wave as f64 - 100.0).to_bits(),
            SampleType::U32 | SampleType::I32 => wave.wrapping_mul(70_001),
            SampleType::U64 | SampleType::I64 => wave.wrapping_mul(1 << 50),
            SampleType::U16 if image.n_pixels() >= N_SMOOTH && image.width != HALF_FLAT => {
                wave * 61 + (state >> 40 & 1023)
            }
            SampleType::U16 | SampleType::I16 => wave * 61,
            _ => wave,
        };
        let bits = if image.palette.is_some() { bits % 3 } else { bits };
        out.extend_from_slice(&bits.to_le_bytes()[..image.sample.n_bytes()]);
    }
    if image.width == MEAN_WIDTH {
        for [a, b, c, d, mean @ ..] in out.as_chunks_mut::<6>().0 {
            let sum = u32::from(u16::from_le_bytes([*a, *b])) + u32::from(u16::from_le_bytes([*c, *d]));
            *mean = ((sum / 2) as u16).to_le_bytes();
        }
    }
    out
}

/// Reproducible drawings for the indexed path: 0 labels, 1 a screen with letters, 2 dither, 3 few flat stripes,
/// 4 a texture that repeats, 5 noise of forty colours,
/// 6 gradients in more than a thousand colours.
fn drawing(image: &ImageDescriptor, kind: u64) -> Vec<u8> {
    let mut state = kind + 1;
    let mut out = Vec::new();
    for pixel in 0..image.n_pixels() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (x, y) = (pixel % u64::from(image.width), pixel / u64::from(image.width));
        let (u, v) = (x + y * y / 40, y + x * x / 90);
        let letter = 0x7e11_9191_917e_u64.wrapping_shr((x % 9 * 8 + y % 13) as u32) & 1;
        let id = match kind {
            0 => u / 11 * 7 + v / 9 * 3,
            1 if y % 40 < 13 && x % 9 < 6 && letter == 1 => 1 + (x / 9) % 3,
            1 => 9 + (x / 3 + y) % 700 * u64::from(y % 40 > 20),
            2 => (state >> 62) / 3 + (x + y) / 9 % 4,
            4 => ((x % 31) * (x % 31) * 7 + (y % 29) * (y % 29) * 13) % 1009 * (x % 31 + 7),
            5 => (state >> 59) % 10 * 4 + (x / 8 + y / 8) % 4,
            _ => y / 6 % 5,
        };
        for c in 0..u64::from(image.n_channels) {
            let value = id.wrapping_mul(0x9e37_79b9 + 77 * c) >> c;
            let value = match image.sample {
                SampleType::Bool => id & 1,
                SampleType::F32 => u64::from((id as f32 - 0.5).to_bits()),
                SampleType::U8 if kind == 1 => id * (c + 1) / 3,
                SampleType::U8 if kind == 4 && c == 3 => 255,
                SampleType::U8 if kind == 6 && c == 3 => 250 + y / 9 % 2,
                SampleType::U8 if kind == 6 => y * (c + 1) + x / 2 % 32 * (5 - c) + (x / 2 % 32 * y) % 3,
                _ => value,
            };
            out.extend_from_slice(&value.to_le_bytes()[..image.sample.n_bytes()]);
        }
    }
    out
}

/// Reproducible elements of a tensor: 0 noise of few exponents, 1 a smooth field, 2 copies, 3 multiples of a number,
/// 4 values of a narrower type, 5 special values.
fn elements(tensor: &TensorDescriptor, nature: u64) -> Vec<u8> {
    let mut state = nature + 1;
    let mut out = Vec::new();
    let n_bytes = tensor.raw_bytes().unwrap() as usize;
    let width = match tensor.element {
        ElementType::Complex64 => 4,
        ElementType::Complex128 => 8,
        _ => (tensor.n_bits() as usize / 8).clamp(1, 8),
    };
    for i in 0..n_bytes.div_ceil(width) as u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = state >> 33;
        let (x, y) = (i % 37, i / 37);
        let float = |value: f64| match width {
            2 if tensor.element == ElementType::Bf16 => u64::from((value as f32).to_bits() >> 16),
            // The exponent of a binary16, no fraction but the highest bits.
            2 => {
                let bits = (value as f32).to_bits();
                let exponent = (bits >> 23 & 255).saturating_sub(112).min(30);
                u64::from(bits >> 31 << 15 | exponent << 10 | bits >> 13 & 1023)
            }
            4 => u64::from((value as f32).to_bits()),
            8 => value.to_bits(),
            _ => (value as i64 as u64) ^ (random % 3),
        };
        let is_float = matches!(
            tensor.element,
            ElementType::F16
                | ElementType::F32
                | ElementType::F64
                | ElementType::Bf16
                | ElementType::Complex64
                | ElementType::Complex128
        );
        let value = match nature {
            0 if is_float => {
                float((random % 4001) as f64 / 1e4 * if random & 1 << 20 == 0 { 1.0 } else { -1.0 })
            }
            0 => random % 7 * (random >> 9 & 7),
            1 if is_float => float((x * x + x * y + 3 * y * y) as f64 / 256.0 + (random & 3) as f64 / 1024.0),
            1 => x * x / 7 + x * y / 3 + y * 5 + (random & 1),
            2 => (i % 53).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - 8 * width),
            3 if is_float => float((random % 3000) as f64 * 0.01),
            3 => random % 100 * 1000 + 7,
            4 if width == 8 => f64::from(f32::from_bits(0x3F00_0000 + (random as u32 & 0x1F_FFFF))).to_bits(),
            4 => u64::from(half_value(0x3000 + (random as u16 & 0xFFF)).to_bits()),
            _ => {
                let specials: [u64; 6] =
                    [0, 1 << 63, 0x7FF8_0000_0000_0001, 0xFFF0_0000_0000_0000, u64::MAX, 1];
                specials[(random % 6) as usize] >> (64 - 8 * width) | ((random % 5) & 1)
            }
        };
        out.extend_from_slice(&value.to_le_bytes()[..width]);
    }
    out.truncate(n_bytes);
    out
}

struct Good {
    writer: Writer<Vec<u8>>,
    lines: String,
    name: String,
}

impl Good {
    fn new(name: &str) -> Self {
        let writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
        Self { writer, lines: String::new(), name: name.to_owned() }
    }

    fn image(
        mut self,
        item: &str,
        descriptor: ImageDescriptor,
        metadata: Metadata,
        options: &ImageOptions,
    ) -> Self {
        let content = samples(&descriptor);
        self.line(item, "image", &content);
        self.writer.add_image(item, &SourceImage { descriptor, metadata }, &content, options).unwrap();
        self
    }

    fn content(
        mut self,
        item: &str,
        descriptor: ImageDescriptor,
        content: Vec<u8>,
        options: &ImageOptions,
    ) -> Self {
        self.line(item, "image", &content);
        let image = SourceImage { descriptor, metadata: Metadata::default() };
        self.writer.add_image(item, &image, &content, options).unwrap();
        self
    }

    fn drawing(mut self, item: &str, descriptor: ImageDescriptor, kind: u64, options: &ImageOptions) -> Self {
        let content = drawing(&descriptor, kind);
        self.line(item, "image", &content);
        let image = SourceImage { descriptor, metadata: Metadata::default() };
        self.writer.add_image(item, &image, &content, options).unwrap();
        self
    }

    fn tensor(
        mut self,
        item: &str,
        descriptor: &TensorDescriptor,
        nature: u64,
        options: &TensorOptions,
    ) -> Self {
        let content = elements(descriptor, nature);
        self.line(item, "tensor", &content);
        self.writer.add_tensor(item, descriptor, &content, options).unwrap();
        self
    }

    fn file(mut self, item: &str, content: &[u8]) -> Self {
        self.line(item, "file", content);
        self.writer.add_file(item, &mut Cursor::new(content), None).unwrap();
        self
    }

    fn file_with_preview(mut self, item: &str, content: &[u8], preview: &Preview) -> Self {
        self.line(item, "file", content);
        self.writer.add_file_with_preview(item, &mut Cursor::new(content), None, Some(preview)).unwrap();
        self
    }

    fn line(&mut self, item: &str, kind: &str, content: &[u8]) {
        let hash = holotype_container::hex(&Sha256::digest(content));
        self.lines += &format!("{}\t{item}\t{kind}\t{}\t{hash}\n", self.name, content.len());
    }

    fn bytes(self) -> (String, Vec<u8>, String) {
        (self.name, self.writer.finish().unwrap().0, self.lines)
    }
}

fn good() -> Vec<(String, Vec<u8>, String)> {
    let none = Metadata::default;
    let small = |mode| ImageOptions::new(mode).with_tile_edge(16).with_preview(PreviewChoice::Off);
    let mut all = Vec::new();
    for (mode_name, mode) in MODES {
        for sample in SampleType::ALL {
            let image = ImageDescriptor::new(19, 11, 3, sample);
            let name = format!("{}-{mode_name}", sample.name());
            all.push(Good::new(&name).image("a", image, none(), &small(mode)).bytes());
        }
        for (width, height) in [(1, 1), (1, 17), (17, 1), (15, 15), (16, 16), (17, 33)] {
            let image = ImageDescriptor::new(width, height, 4, SampleType::U8);
            let name = format!("size-{width}x{height}-{mode_name}");
            all.push(Good::new(&name).image("a", image, none(), &small(mode)).bytes());
        }
    }
    for (kind_name, kind) in [("labels", 0), ("screen", 1), ("dither", 2), ("stripes", 3)] {
        for (sample, channels) in [
            (SampleType::Bool, 1),
            (SampleType::U8, 1),
            (SampleType::U8, 2),
            (SampleType::U8, 3),
            (SampleType::U8, 4),
            (SampleType::I16, 1),
            (SampleType::U16, 4),
            (SampleType::U32, 1),
            (SampleType::F32, 1),
            (SampleType::U64, 1),
        ] {
            let name = format!("indexed-{kind_name}-{}x{channels}", sample.name());
            let options = small(Mode::Standard).with_tile_edge(96);
            let image = |width, height| ImageDescriptor::new(width, height, channels, sample);
            let vector = Good::new(&name)
                .drawing("a", image(110, 97), kind, &options)
                .drawing("column", image(1, 90), kind, &options)
                .drawing("row", image(90, 1), kind, &options)
                .drawing("two", image(2, 45), kind, &options);
            all.push(vector.bytes());
        }
    }
    let any = |width, height, channels, sample| ImageDescriptor::new(width, height, channels, sample);
    for (name, kind, channels) in
        [("texture", 4, 2), ("texture", 4, 3), ("texture", 4, 4), ("noise", 5, 3), ("noise", 5, 1)]
    {
        let options = small(Mode::Standard).with_tile_edge(128);
        let image = any(128, 120, channels, SampleType::U8);
        let column = any(1, 90, channels, SampleType::U8);
        let name = format!("indexed-{name}-u8x{channels}");
        all.push(
            Good::new(&name)
                .drawing("a", image, kind, &options)
                .drawing("column", column, kind, &options)
                .bytes(),
        );
    }
    for (kind_name, kind) in [("labels", 0), ("screen", 1), ("dither", 2), ("stripes", 3), ("texture", 4)] {
        for (sample, channels) in [
            (SampleType::Bool, 1),
            (SampleType::U8, 1),
            (SampleType::U8, 4),
            (SampleType::I16, 1),
            (SampleType::U64, 1),
        ] {
            let name = format!("mixed-{kind_name}-{}x{channels}", sample.name());
            let options = small(Mode::Archival).with_tile_edge(64);
            let vector = Good::new(&name)
                .drawing("a", any(58, 44, channels, sample), kind, &options)
                .drawing("column", any(1, 60, channels, sample), kind, &options)
                .drawing("row", any(60, 1, channels, sample), kind, &options);
            all.push(vector.bytes());
        }
    }
    for channels in 2..=4 {
        let image = any(128, 120, channels, SampleType::U8);
        let vector = Good::new(&format!("indexed-gradients-u8x{channels}"));
        all.push(vector.drawing("a", image, 6, &small(Mode::Standard).with_tile_edge(128)).bytes());
        let image = any(64, 60, channels, SampleType::U8);
        let vector = Good::new(&format!("mixed-gradients-u8x{channels}"));
        all.push(vector.drawing("a", image, 6, &small(Mode::Archival).with_tile_edge(64)).bytes());
    }
    let standard = small(Mode::Standard);
    let palette = Palette { bits: 8, rgb: vec![[0, 0, 0], [255, 0, 9], [7, 8, 9]], alpha: vec![0, 128] };
    let deep = Palette { bits: 16, rgb: vec![[0, 1, 65535]; 3], alpha: Vec::new() };
    let byte = |channels| ImageDescriptor::new(20, 10, channels, SampleType::U8);
    let mut metadata = none();
    metadata.push(MetadataKind::PngChunk, "tEXt", b"Title\0vector".to_vec());
    let mut large = none();
    large.push(MetadataKind::Icc, "profile", (0..6000_u32).map(|i| (i / 9) as u8).collect::<Vec<u8>>());
    large.push(MetadataKind::User, "схема", "größe".as_bytes().to_vec());
    for (name, image, metadata) in [
        ("palette-8", byte(1).with_palette(palette), none()),
        ("palette-16", byte(1).with_bits_per_sample(4).with_palette(deep), none()),
        ("cmyk", byte(4).with_colour(ColourModel::Cmyk, Alpha::None), none()),
        ("cmyk-alpha", byte(5).with_colour(ColourModel::Cmyk, Alpha::Premultiplied), none()),
        ("gray-inverted", byte(1).with_colour(ColourModel::GrayInverted, Alpha::None), none()),
        ("bgr", byte(3).with_order(ChannelOrder::Bgr), none()),
        ("bands", ImageDescriptor::new(9, 9, 12, SampleType::I16), none()),
        ("metadata-inline", byte(3), metadata),
        ("metadata-block", byte(3), large),
        (
            "channel-names",
            byte(4)
                .with_colour(ColourModel::Channels, Alpha::None)
                .with_channel_names(["R", "G", "B", "depth.Z"].map(str::to_owned).to_vec()),
            none(),
        ),
    ] {
        all.push(Good::new(name).image("a", image, metadata, &standard).bytes());
    }
    // Floats that fit a narrower type, special values among them.
    for sample in [SampleType::F32, SampleType::F64] {
        let image = ImageDescriptor::new(NARROW_WIDTH, 9, 3, sample);
        let options = small(Mode::Standard);
        all.push(Good::new(&format!("narrow-{}", sample.name())).image("a", image, none(), &options).bytes());
    }
    // Large enough for the fast path: whole strips and steps with all lanes.
    for (name, width, height, channels, sample) in [
        ("direct-gray", 240, 70, 1, SampleType::U8),
        ("direct-two", 96, 64, 2, SampleType::U8),
        ("direct-rgb", 101, 65, 3, SampleType::U8),
        ("direct-green", 133, 65, 3, SampleType::U8),
        ("direct-green-alpha", 134, 65, 4, SampleType::U8),
        ("direct-rgba", 90, 66, 4, SampleType::I8),
    ] {
        let image = ImageDescriptor::new(width, height, channels, sample);
        let options = ImageOptions::new(Mode::Fast).with_preview(PreviewChoice::Off);
        all.push(Good::new(name).image("a", image, none(), &options).bytes());
    }
    // Channels more alike than pixels: each row of channels is a row of a picture.
    for (mode_name, mode) in MODES {
        let image = ImageDescriptor::new(25, 2, 90, SampleType::U16);
        let folded = ImageDescriptor::new(90, 50, 1, SampleType::U16);
        let options = ImageOptions::new(mode).with_preview(PreviewChoice::Off);
        let good = Good::new(&format!("folded-{mode_name}"));
        all.push(good.content("a", image, samples(&folded), &options).bytes());
    }
    for (name, image, content, options) in
        digits::images().into_iter().chain(holes::images()).chain(lanes::images()).chain(bulk::images())
    {
        all.push(Good::new(&name).content("a", image, content, &options).bytes());
    }
    // The fast coder of planes: words, bands, digits of floats, flat stretches.
    for (name, width, height, channels, sample) in [
        ("lanes-gray16", 171, 99, 1, SampleType::U16),
        ("lanes-rgb16", 133, 65, 3, SampleType::U16),
        ("lanes-rgba16", 134, 65, 4, SampleType::U16),
        ("lanes-none16", 101, 65, 3, SampleType::U16),
        ("lanes-green-red16", 135, 65, 3, SampleType::U16),
        ("lanes-flat16", 260, 130, 2, SampleType::U16),
        ("lanes-bands", 70, 75, 7, SampleType::U8),
        ("lanes-f16", 90, 66, 2, SampleType::F16),
        ("lanes-f32", 90, 66, 1, SampleType::F32),
    ] {
        let image = ImageDescriptor::new(width, height, channels, sample);
        let options = ImageOptions::new(Mode::Fast).with_preview(PreviewChoice::Off);
        all.push(Good::new(name).image("a", image, none(), &options).bytes());
    }
    // Large enough that tables pay: the wavefront coder.
    for (name, width, height, channels, sample) in [
        ("wavefront-rgb", 100, 85, 3, SampleType::U8),
        ("wavefront-gray16", 171, 150, 1, SampleType::U16),
        ("wavefront-rgba", 83, 77, 4, SampleType::U8),
        ("wavefront-bands", 70, 75, 5, SampleType::I16),
    ] {
        let image = ImageDescriptor::new(width, height, channels, sample);
        let options = ImageOptions::new(Mode::Standard).with_preview(PreviewChoice::Off);
        all.push(Good::new(name).image("a", image, none(), &options).bytes());
    }
    let with_preview = ImageOptions::new(Mode::Fast).with_preview(PreviewChoice::On);
    let wide = ImageDescriptor::new(140, 20, 3, SampleType::U16);
    all.push(Good::new("preview").image("a", wide, none(), &with_preview).bytes());
    all.push(
        Good::new("several-items")
            .image("z.tif", byte(3), none(), &standard)
            .image("z.tif#1", byte(1), none(), &standard)
            .file("empty", b"")
            .file("notes.txt", &b"the same line again\n".repeat(40))
            .bytes(),
    );
    archival(&mut all);
    tensors(&mut all);
    all.extend([tensors::good(), tensors::leading()]);
    all.push(Good::new("empty").bytes());
    let picture = Preview { width: 5, height: 3, n_channels: 3, pixels: (0..45).map(|i| i * 5).collect() };
    all.push(Good::new("file-preview").file_with_preview("photo.jpg", b"the file itself", &picture).bytes());
    let mut paged = Good::new("paged");
    for i in 0..900_u32 {
        paged = paged.file(&format!("folder/file-{:05}", i * 7919 % 10007), &i.to_le_bytes());
    }
    all.push(paged.bytes());
    encryption::small(&mut all);
    all
}

/// What the archival coder of planes takes, with both settings.
fn archival(all: &mut Vec<(String, Vec<u8>, String)>) {
    for (effort, is_max) in [("usual", false), ("utmost", true)] {
        for (name, image) in [
            ("rgb8", ImageDescriptor::new(25, 16, 3, SampleType::U8)),
            ("rgba8", ImageDescriptor::new(25, 17, 4, SampleType::U8)),
            ("gray16", ImageDescriptor::new(9, 7, 1, SampleType::U16)),
            ("rgb16", ImageDescriptor::new(54, 17, 3, SampleType::U16)),
            ("bands", ImageDescriptor::new(25, 10, 5, SampleType::I16)),
            ("row", ImageDescriptor::new(347, 1, 1, SampleType::U8)),
            ("column", ImageDescriptor::new(1, 396, 3, SampleType::U8)),
            ("tiny", ImageDescriptor::new(6, 2, 1, SampleType::U16)),
        ] {
            let options = ImageOptions::new(Mode::Archival).with_max_effort(is_max);
            let options = options.with_preview(PreviewChoice::Off);
            let good = Good::new(&format!("archival-{name}-{effort}"));
            all.push(good.image("a", image, Metadata::default(), &options).bytes());
        }
    }
}

/// Every element type, codec and shape of tensors.
fn tensors(all: &mut Vec<(String, Vec<u8>, String)>) {
    let auto = TensorOptions::default;
    for element in ElementType::ALL.into_iter().filter(|element| *element != ElementType::Opaque) {
        let mut vector = Good::new(&format!("tensor-{}", element.name()));
        for (name, nature) in [("noise", 0), ("field", 1), ("copies", 2), ("multiples", 3), ("special", 5)] {
            vector = vector.tensor(name, &TensorDescriptor::new(element, &[3, 8, 37]), nature, &auto());
        }
        all.push(vector.bytes());
    }
    for codec in TensorCodec::ALL {
        let options = TensorOptions::new(codec);
        let mut vector = Good::new(&format!("tensor-codec-{}", codec.name()));
        for element in
            [ElementType::F16, ElementType::Bf16, ElementType::F32, ElementType::F64, ElementType::I16]
        {
            for nature in [0, 1, 3] {
                let name = format!("{}-{nature}", element.name());
                vector =
                    vector.tensor(&name, &TensorDescriptor::new(element, &[20, 2, 37]), nature, &options);
            }
        }
        all.push(vector.bytes());
    }
    let narrow = |element| TensorDescriptor::new(element, &[30, 37]);
    all.push(
        Good::new("tensor-narrow")
            .tensor("f32", &narrow(ElementType::F32), 4, &auto())
            .tensor("f64", &narrow(ElementType::F64), 4, &auto())
            .bytes(),
    );
    let mut shapes = Good::new("tensor-shapes");
    for shape in [&[][..], &[0], &[1], &[3, 0, 2], &[1, 1, 1, 1], &[5, 1, 9], &[1; 32]] {
        shapes =
            shapes.tensor(&format!("{shape:?}"), &TensorDescriptor::new(ElementType::F32, shape), 1, &auto());
    }
    let fortran = TensorDescriptor::new(ElementType::I16, &[6, 7, 37]).with_order(ElementOrder::Fortran);
    let cut = |shape: &[u64]| TensorOptions::default().with_slice_shape(Some(shape.to_vec()));
    shapes = shapes
        .tensor("fortran", &fortran, 1, &auto())
        .tensor("fortran in slices", &fortran, 1, &cut(&[4, 3, 20]))
        .tensor("slices", &TensorDescriptor::new(ElementType::U16, &[9, 40, 37]), 1, &cut(&[4, 16, 16]))
        .tensor("int4", &TensorDescriptor::opaque("int4", 4, &[31, 37]), 0, &auto())
        .tensor("u24", &TensorDescriptor::opaque("u24", 24, &[41, 37]), 0, &auto())
        .tensor("u48 in slices", &TensorDescriptor::opaque("u48", 48, &[41, 37]), 1, &cut(&[20, 30]))
        .tensor("float6_e2m3fn", &TensorDescriptor::opaque("float6_e2m3fn", 6, &[7, 5]), 0, &auto());
    all.push(shapes.bytes());
    let mut attributes = Metadata::default();
    attributes.push(MetadataKind::Text, "layer", "decoder.0".as_bytes().to_vec());
    attributes.push(MetadataKind::User, "scale", vec![0, 255]);
    let mapped = TensorOptions::new(TensorCodec::Raw).with_metadata(attributes);
    all.push(
        Good::new("tensor-mapped")
            .file("before", b"some bytes")
            .tensor("weights", &TensorDescriptor::new(ElementType::Bf16, &[16, 8]), 0, &mapped)
            .bytes(),
    );
}

fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let image = ImageDescriptor::new(20, 10, 1, SampleType::U8);
    let good = Good::new("base")
        .image("a", image, Metadata::default(), &ImageOptions::default().with_tile_edge(16))
        .bytes()
        .1;
    let n = good.len();
    let flip = |at: usize, mask: u8| {
        let mut bad = good.clone();
        bad[at] ^= mask;
        bad
    };
    let header = |at: usize, value: u8| {
        let mut bad = good.clone();
        bad[at] = value;
        let crc = crc32fast::hash(&bad[..28]);
        bad[28..32].copy_from_slice(&crc.to_le_bytes());
        bad
    };
    let custom = |change: &dyn Fn(&mut ItemRecord), payload: &[u8]| {
        let (mut builder, start) = ArchiveBuilder::begin();
        let (frame, block) = builder.add_block(Codec::ImageTile, payload, 1, 0);
        let mut item = ItemRecord::new("a".into(), ItemKind::Image);
        item.content.push(BlockRun { first: block, n_blocks: 1 });
        item.raw_bytes = 1;
        item.content_sha256 = Sha256::digest([payload.last().copied().unwrap_or(0)]).into();
        for (key, value) in [(0, 1), (1, 1), (2, 1), (3, 1), (5, 0), (10, 16)] {
            item.descriptor.insert(key, Value::Unsigned(value));
        }
        change(&mut item);
        builder.add_item(item).unwrap();
        [&start[..], &frame, payload, &builder.finish().0].concat()
    };
    vec![
        ("corrupt-magic", flip(0, 1)),
        ("corrupt-header-id", flip(20, 1)),
        ("unsupported-version", header(8, 2)),
        ("unsupported-header-feature", header(10, 1)),
        ("corrupt-frame-header", flip(36, 2)),
        ("corrupt-tile", flip(70, 16)),
        ("corrupt-root", flip(n - 130, 1)),
        ("corrupt-merkle-root", flip(n - 70, 1)),
        ("corrupt-seal", flip(n - 20, 128)),
        ("corrupt-end-magic", flip(n - 1, 1)),
        ("corrupt-cut-1", good[..n - 1].to_vec()),
        ("corrupt-cut-half", good[..n / 2].to_vec()),
        ("truncated-cut-to-100", good[..100].to_vec()),
        ("truncated-empty", Vec::new()),
        ("corrupt-grown-1", [good.clone(), vec![0]].concat()),
        ("corrupt-two-in-one", [good.clone(), good.clone()].concat()),
        (
            "unsupported-item-key",
            custom(&|item| drop(item.unknown.insert(1 << 16, Value::Unsigned(1))), &[0, 5]),
        ),
        ("unsupported-tile-path", custom(&|_| {}, &[200, 5])),
        ("truncated-tile", custom(&|_| {}, &[0])),
        ("corrupt-tile-too-long", custom(&|_| {}, &[0, 5, 6])),
        ("corrupt-content-hash", custom(&|item| item.content_sha256[0] ^= 1, &[0, 5])),
        (
            "corrupt-descriptor-key",
            custom(&|item| drop(item.descriptor.insert(99, Value::Unsigned(0))), &[0, 5]),
        ),
        (
            "corrupt-descriptor-size",
            custom(&|item| drop(item.descriptor.insert(0, Value::Unsigned(2))), &[0, 5]),
        ),
        (
            "corrupt-forged-size",
            custom(
                &|item| {
                    item.raw_bytes = 60_000 * 60_000;
                    for (key, value) in [(0, 60_000), (1, 60_000), (10, 60_000)] {
                        item.descriptor.insert(key, Value::Unsigned(value));
                    }
                },
                &[0, 5],
            ),
        ),
        (
            "corrupt-sample-type",
            custom(&|item| drop(item.descriptor.insert(3, Value::Unsigned(40))), &[0, 5]),
        ),
    ]
}

/// Signatures of the vector `empty`: file name, bytes, public keys of a good one.
fn signatures() -> Vec<(&'static str, Vec<u8>, Vec<String>)> {
    let key = |seed| SecretKey::from_seed(&[seed; 32]);
    let sealed = Archive::from_bytes(Good::new("empty").bytes().1).unwrap().seal();
    let signed = |seal, seeds: &[u8]| {
        let mut file = SignatureFile::new(seal);
        seeds.iter().for_each(|seed| file.sign(&key(*seed)).unwrap());
        file.encode()
    };
    let two = signed(sealed, &[1, 2]);
    let mut signers: Vec<String> = [1, 2].map(|seed| key(seed).public_key().to_hex()).to_vec();
    signers.sort();
    let flip = |at: usize| {
        let mut bad = two.clone();
        bad[at] ^= 1;
        bad
    };
    // Magic (8), map head, key 0, seal (2 + 32), key 1, array head, entry head, algorithm.
    let algorithm = 8 + 2 + 34 + 3;
    assert_eq!(two[algorithm], 1);
    vec![
        ("good/empty.holo.sig", two.clone(), signers),
        ("bad/corrupt-other-archive~empty.holo.sig", signed([7; 32], &[1]), Vec::new()),
        ("bad/corrupt-signature~empty.holo.sig", flip(two.len() - 1), Vec::new()),
        ("bad/corrupt-no-signature~empty.holo.sig", signed(sealed, &[]), Vec::new()),
        ("bad/unsupported-algorithm~empty.holo.sig", flip(algorithm), Vec::new()),
    ]
}

fn main() {
    let root = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "docs/vectors".into()));
    ["good", "bad"].iter().for_each(|folder| fs::create_dir_all(root.join(folder)).unwrap());
    let expected = root.join("expected.tsv");
    let mut lines = fs::read_to_string(&expected).unwrap_or_default();
    let mut n_new = 0;
    let all = good().into_iter().chain(packing::good()).chain(encryption::good()).chain(generation::good());
    let all = all.chain(animation::good()).chain(parents::good()).chain(revisions::good());
    let all = all.chain(deltas::good()).chain(checkpoints::good());
    for (name, bytes, described) in all.chain(lossy::good()).chain(noise::good()).chain(restored::good()) {
        let path = root.join("good").join(format!("{name}.holo"));
        if !path.exists() {
            fs::write(path, bytes).unwrap();
            lines += &described;
            n_new += 1;
        }
    }
    fs::write(expected, lines).unwrap();
    let all = bad().into_iter().chain(packing::bad()).chain(tensors::bad()).chain(encryption::bad());
    let all = all.chain(generation::bad()).chain(animation::bad()).chain(parents::bad());
    let all = all.chain(deltas::bad()).chain(checkpoints::bad()).chain(revisions::bad());
    for (name, bytes) in all.chain(lossy::bad()).chain(noise::bad()).chain(restored::bad()) {
        let path = root.join("bad").join(format!("{name}.holo"));
        if !path.exists() {
            fs::write(path, bytes).unwrap();
            n_new += 1;
        }
    }
    let chunks = root.join("chunks.tsv");
    if !chunks.exists() {
        fs::write(chunks, packing::chunks()).unwrap();
        n_new += 1;
    }
    let expected = root.join("signers.tsv");
    let mut lines = fs::read_to_string(&expected).unwrap_or_default();
    for (name, bytes, signers) in signatures() {
        let path = root.join(name);
        if !path.exists() {
            fs::write(path, bytes).unwrap();
            let file = name.trim_start_matches("good/");
            signers.iter().for_each(|key| lines += &format!("{file}\t{key}\n"));
            n_new += 1;
        }
    }
    fs::write(expected, lines).unwrap();
    println!("{n_new} new vectors");
}
