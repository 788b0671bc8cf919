use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// One sealed, lossless, random-access file for images: exact to the bit, and able to prove it.
///
/// Examples:
///   holo compress scan.tif scan.holo
///   holo compress *.png -o archive/ --mode archival
///   holo decompress scan.holo scan.tif
///   holo verify archive/*.holo
#[derive(Debug, Parser)]
#[command(name = "holo", version, verbatim_doc_comment, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    /// Print results as JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but results and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Turn image files into sealed archives
    Compress(Compress),
    /// Turn archives back into image files, values and metadata exact
    Decompress(Decompress),
    /// Describe archives without decoding a pixel
    Info(Inputs),
    /// Write the preview of an archive as an image file
    Preview(Preview),
    /// Check structure, every block and every content hash, and name what is damaged
    Verify(Verify),
    /// Recover what is proven intact of a damaged archive into a new one
    Salvage(Salvage),
    /// Pack files and folders into one archive: equal parts stored once, like stored by like
    Pack(Pack),
    /// Write the files of a packed archive into a new folder, which they cannot leave
    Unpack(Unpack),
    /// Seal frames, one after another, as an animation, with sound
    Animate(Animate),
    /// Write the frames of an animation as image files
    Frames(Frames),
    /// Copy a thin archive with all it names of its parents into one that needs none
    Flatten(Flatten),
    /// List the revisions of archives that were appended to
    Log(Inputs),
    /// Compare the items of two archives by content; exit code 1 if they differ
    Diff(Diff),
    /// List the items of archives
    List(List),
    /// Write the raw content of an item to stdout
    Cat(Cat),
    /// Serve an archive and what is in it over HTTP, on this machine unless `--bind` says otherwise
    #[cfg(feature = "serve")]
    Serve(Serve),
    /// Show an archive as a read-only file system until it is unmounted
    #[cfg(all(feature = "mount", target_os = "linux"))]
    Mount(Mount),
    /// Records of how AI images were made: look at them, check them, take them out
    #[command(subcommand)]
    Generation(Generation),
    /// Write an archive anew without fields of its generation records: `generation redact`
    Redact(GenerationRedact),
    /// Make a key pair for signing: NAME.key, which stays secret, and NAME.pub
    Keygen {
        /// Where, without the extension
        #[arg(value_name = "NAME")]
        name: PathBuf,
    },
    /// Verify archives and sign them: the signature goes into ARCHIVE.sig beside each
    Sign(Sign),
    /// Change the password of an encrypted archive; its signatures have to be made again
    Rekey(Rekey),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    Man {
        /// The folder
        directory: PathBuf,
    },
}

#[cfg(feature = "serve")]
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The archive: a file or an address
    #[arg(value_name = "ARCHIVE")]
    pub(crate) input: PathBuf,
    /// Address to listen on; others than loopback are reached from outside
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) bind: std::net::IpAddr,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    pub(crate) port: u16,
    /// Seconds after which a client that sends or takes nothing is let go
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) patience: u64,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[cfg(all(feature = "mount", target_os = "linux"))]
#[derive(Debug, Args)]
pub(crate) struct Mount {
    /// The archive: a file or an address
    #[arg(value_name = "ARCHIVE")]
    pub(crate) input: PathBuf,
    /// An empty folder
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    #[command(flatten)]
    pub(crate) access: Access,
}

/// Where the password of an encrypted archive comes from; on a terminal it is asked for. Never from the command line,
/// which every process can see.
#[derive(Debug, Args)]
#[command(next_help_heading = "Encrypted archives")]
pub(crate) struct Unlock {
    /// File that holds the password; one line end after it is left out
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Environment variable that holds the password
    #[arg(long, value_name = "NAME", conflicts_with = "password_file")]
    pub(crate) password_env: Option<String>,
}

/// How archives at `http://`, `https://` and `s3://` addresses are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Remote archives")]
pub(crate) struct Access {
    #[command(flatten)]
    pub(crate) unlock: Unlock,
    /// Where parents of a thin archive are, files or folders, if not where it says; may be given several times
    #[arg(long = "parents", value_name = "PATH", help_heading = "Thin archives")]
    pub(crate) parents: Vec<PathBuf>,
    /// Read an earlier revision: its number, or `whole` for the last one that is whole
    #[arg(long, value_name = "N", value_parser = parse_revision, help_heading = "Revisions")]
    pub(crate) revision: Option<holotype::Revision>,
    /// Reach private, loopback, link-local and other special addresses
    #[arg(long)]
    pub(crate) allow_restricted: bool,
    /// Region of the bucket [default: the environment's, the profile's, us-east-1]
    #[arg(long, value_name = "REGION")]
    pub(crate) s3_region: Option<String>,
    /// Server that speaks S3's protocol [default: the environment's, Amazon's]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Ask S3 without signing, for public objects
    #[arg(long)]
    pub(crate) anonymous: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Compress {
    /// Source files, `-` for stdin; without `-o` the last one is the archive to write, `-` for stdout
    #[arg(required = true, value_name = "IN")]
    pub(crate) paths: Vec<PathBuf>,
    /// Folder for the archives: each gets its source's name with `.holo` in place of the extension; of one source also the
    /// archive itself, `NAME.holo`
    #[arg(short, long, value_name = "DIR|FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Time against density
    #[arg(long, value_enum, default_value_t = ModeArg::Standard)]
    pub(crate) mode: ModeArg,
    /// The strongest, slowest setting of the archival mode
    #[arg(long)]
    pub(crate) max_effort: bool,
    /// Tile edge in pixels, 16 to 16384 [default: 1024, 512 for very wide images]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) tile: u32,
    /// Threads [default: all]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) threads: usize,
    /// Whether a preview is stored
    #[arg(long, value_enum, default_value_t = PreviewArg::Auto)]
    pub(crate) preview: PreviewArg,
    /// Store the decoded pixels of lossy sources (JPEG, lossy WebP) instead of the untouched file
    #[arg(long)]
    pub(crate) pixels: bool,
    /// Replace existing archives
    #[arg(long, conflicts_with = "skip_existing")]
    pub(crate) force: bool,
    /// Leave out sources whose archive exists: continues an interrupted run
    #[arg(long)]
    pub(crate) skip_existing: bool,
    /// Encrypt the archive: names, tables, previews and content
    #[arg(long)]
    pub(crate) encrypt: bool,
    #[command(flatten)]
    pub(crate) unlock: Unlock,
}

#[derive(Debug, Args)]
pub(crate) struct Decompress {
    /// Archives: files, addresses, `-` for stdin; without `-o` the last one is the file to write, `-` for stdout
    #[arg(required = true, value_name = "IN")]
    pub(crate) paths: Vec<PathBuf>,
    /// Folder for the files; of one archive also the file itself, by the extension of its format
    #[arg(short, long, value_name = "DIR|FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Format to write [default: by the extension, or the source's own format]
    #[arg(long, value_name = "NAME")]
    pub(crate) format: Option<String>,
    /// Item to write [default: all images]
    #[arg(long, value_name = "NAME")]
    pub(crate) item: Option<String>,
    /// Only this box of pixels
    #[arg(long, value_name = "X,Y,W,H", value_parser = parse_region)]
    pub(crate) region: Option<holotype::Region>,
    /// Threads [default: all]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) threads: usize,
    /// Write even if the format cannot hold some metadata
    #[arg(long)]
    pub(crate) lossy_metadata: bool,
    /// Replace existing files
    #[arg(long, conflicts_with = "skip_existing")]
    pub(crate) force: bool,
    /// Leave out archives whose output exists
    #[arg(long)]
    pub(crate) skip_existing: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Inputs {
    /// Archives: files, addresses, `-` for stdin
    #[arg(required = true, value_name = "IN")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Archives: files, addresses, `-` for stdin
    #[arg(required = true, value_name = "IN")]
    pub(crate) paths: Vec<PathBuf>,
    /// A public key that must have signed, NAME.pub; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Vec<PathBuf>,
    /// The file of signatures [default: IN.sig]
    #[arg(long, value_name = "FILE", requires = "public_key")]
    pub(crate) signature: Option<PathBuf>,
    /// Threads [default: all]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) threads: usize,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Generation {
    /// Print the records of archives; of archives without any, and of image files, those that images tell
    Show(Inputs),
    /// Verify archives, and that the records' parts are there and are those they were
    Check(Inputs),
    /// Write a record's image as it came, texts of the program that made it included; or another part
    Export(GenerationExport),
    /// Write an archive anew without fields of its records, and say so in them
    Redact(GenerationRedact),
}

#[derive(Debug, Args)]
pub(crate) struct GenerationExport {
    /// The archive: a file, an address, `-` for stdin
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The file to write, `-` for stdout; with the extension `json` the record itself
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Name of the record's item [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) record: Option<String>,
    /// Another part than the first image: its name, or its item's; of a latent the elements as in memory, or with the
    /// extension `npy` an NPY file
    #[arg(long, value_name = "NAME")]
    pub(crate) part: Option<String>,
    /// Replace an existing file
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct GenerationRedact {
    /// The archive: a file, an address, `-` for stdin
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The new archive, `-` for stdout
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// What to take out, such as `prompt`, `settings.seed`, `hardware`, `environment.gpu`; may be given several times
    #[arg(long, required = true, value_name = "PATH")]
    pub(crate) field: Vec<String>,
    /// Replace an existing archive
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// Archives
    #[arg(required = true, value_name = "ARCHIVE")]
    pub(crate) paths: Vec<PathBuf>,
    /// The secret key, NAME.key
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    #[command(flatten)]
    pub(crate) unlock: Unlock,
    /// Threads [default: all]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) threads: usize,
    /// Throw away an ARCHIVE.sig that is of another archive
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rekey {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    pub(crate) archive: PathBuf,
    #[command(flatten)]
    pub(crate) unlock: Unlock,
    /// File that holds the new password
    #[arg(long, value_name = "FILE")]
    pub(crate) new_password_file: Option<PathBuf>,
    /// Environment variable that holds the new password
    #[arg(long, value_name = "NAME", conflicts_with = "new_password_file")]
    pub(crate) new_password_env: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Salvage {
    /// The damaged archive, `-` for stdin
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The new archive, `-` for stdout
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Write images of which tiles are lost, those tiles zero and the image marked as incomplete
    #[arg(long)]
    pub(crate) fill: bool,
    /// Write blocks that belong to no item found, as they lie
    #[arg(long)]
    pub(crate) blocks: bool,
    /// Threads [default: all]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) threads: usize,
    /// Replace an existing archive
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Pack {
    /// Files and folders, `-` for stdin; each gives its last name to what is in it
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The archive to write, `-` for stdout
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// What the archive is for: ml, eda, embedded, generic, archival
    #[arg(long, value_name = "NAME", default_value = "generic", value_parser = parse_profile)]
    pub(crate) profile: holotype::Profile,
    /// Leave out what matches: a name anywhere, or with a `/` a whole path in the archive, such as `tree/build`; `*`, `?`
    /// and `**` match
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// Another compression than the profile's: `store`, `lz4`, `zstd` or `zstd:LEVEL`
    #[arg(long, value_name = "NAME")]
    pub(crate) compression: Option<holotype::Compression>,
    /// Other blocks than the profile's: bytes, 4096 to 16777216
    #[arg(long, value_name = "BYTES")]
    pub(crate) block_size: Option<u32>,
    /// Cut content into other chunks than the profile's for finding what repeats: least, average and most bytes
    #[arg(long, value_name = "MIN:AVERAGE:MAX", value_parser = parse_chunking)]
    pub(crate) chunks: Option<holotype::Chunking>,
    /// Name of the item that stdin becomes
    #[arg(long, value_name = "NAME", default_value = "stdin", value_parser = parse_item_path)]
    pub(crate) stdin_name: String,
    /// Threads [default: all]; the archive is the same for any number
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) threads: usize,
    /// Replace an existing archive
    #[arg(long)]
    pub(crate) force: bool,
    /// Add to an existing archive as a new revision; items of the same names are replaced in it, old revisions stay
    #[arg(long, conflicts_with_all = ["force", "encrypt"])]
    pub(crate) append: bool,
    /// With `--append`: leave out of the new revision what is not packed now
    #[arg(long, requires = "append")]
    pub(crate) only: bool,
    /// Name what this archive has instead of storing it again: reading then needs it; may be given several times
    #[arg(long, value_name = "ARCHIVE")]
    pub(crate) parent: Vec<PathBuf>,
    /// Store safetensors files as `tensors`, each of which is read by its name too, or as `files`
    #[arg(long, value_name = "HOW", default_value = "tensors", value_parser = ["tensors", "files"])]
    pub(crate) checkpoints: String,
    /// Store images as images, read pixel by pixel, where the files come back of them to the byte
    #[arg(long)]
    pub(crate) images: bool,
    /// Encrypt the archive: names, tables and content
    #[arg(long)]
    pub(crate) encrypt: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Flatten {
    /// The thin archive: a file or an address
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The new archive, `-` for stdout
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Encrypt the new archive
    #[arg(long)]
    pub(crate) encrypt: bool,
    /// File that holds the password of the new archive
    #[arg(long, value_name = "FILE", requires = "encrypt")]
    pub(crate) new_password_file: Option<PathBuf>,
    /// Environment variable that holds the password of the new archive
    #[arg(long, value_name = "NAME", conflicts_with = "new_password_file", requires = "encrypt")]
    pub(crate) new_password_env: Option<String>,
    /// Replace an existing archive
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Unpack {
    /// The archive: a file, an address, `-` for stdin
    #[arg(value_name = "ARCHIVE")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) access: Access,
    /// The folder to make; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Restore the set-user-ID, set-group-ID and sticky bits
    #[arg(long)]
    pub(crate) special_modes: bool,
    /// Leave out extended attributes
    #[arg(long)]
    pub(crate) no_xattrs: bool,
    /// Leave holes in files where they have blocks of zeros, as sparse files do
    #[arg(long)]
    pub(crate) sparse: bool,
    /// Refuse an archive whose files have more bytes [default: 1 TiB]
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_bytes: Option<u64>,
    /// Threads [default: all]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) threads: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Animate {
    /// Image files, in order: every image of each is a frame. Or an animation (APNG, GIF, WebP, Y4M) or a video
    /// (MKV, MP4, AVI, by ffmpeg): alone it brings its delays, loops, metadata and sound
    #[arg(required_unless_present = "append", value_name = "FRAMES")]
    pub(crate) frames: Vec<PathBuf>,
    /// The archive to write, `-` for stdout
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Add frames or sound to the animation NAME of an archive that is there, as a new revision; the old one stays
    #[arg(long, conflicts_with_all = ["force", "encrypt", "loop_count"])]
    pub(crate) append: bool,
    /// Frames a second: a number or a fraction such as 30000/1001 [default: as the animation says, or 10]
    #[arg(long, value_name = "FPS", conflicts_with = "delay", value_parser = parse_rate)]
    pub(crate) fps: Option<holotype::TimeBase>,
    /// Milliseconds that each frame is shown
    #[arg(long, value_name = "MS")]
    pub(crate) delay: Option<u64>,
    /// How often it is shown; 0 for ever [default: as the animation says, or 0]
    #[arg(long = "loop", value_name = "N")]
    pub(crate) loop_count: Option<u64>,
    /// Also take pixels that decoders may disagree about: lossy WebP, half transparent ones drawn over others, videos
    /// with subsampled colour
    #[arg(long)]
    pub(crate) pixels: bool,
    /// A file of sound to keep with it, byte for byte; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) audio: Vec<PathBuf>,
    /// Time against density
    #[arg(long, value_enum, default_value_t = ModeArg::Standard)]
    pub(crate) mode: ModeArg,
    /// A frame is coded alone at least every so many, 1 to 256: bounds what reading one takes
    #[arg(long, value_name = "N", default_value_t = 24)]
    pub(crate) key_interval: u32,
    /// Name of the animation in the archive
    #[arg(long, value_name = "NAME", default_value = "animation")]
    pub(crate) name: String,
    /// Threads [default: all]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) threads: usize,
    /// Encrypt the archive: names, tables and content
    #[arg(long)]
    pub(crate) encrypt: bool,
    #[command(flatten)]
    pub(crate) unlock: Unlock,
    /// Replace an existing archive
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Frames {
    /// The archive: a file, an address, `-` for stdin
    #[arg(value_name = "ARCHIVE")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) access: Access,
    /// Folder for the files, `frame_0000.png` and so on; or one file: `.apng`, `.gif`, `.webp`, `.y4m`, or a lossless
    /// video by ffmpeg: `.mkv`, `.avi`, `.mp4`. Without it the frames are listed
    #[arg(short, long, value_name = "DIR|FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Name of the animation [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) item: Option<String>,
    /// First frame
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) first: u64,
    /// Number of frames [default: all from the first on]
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Format of the files, by its extension
    #[arg(long, value_name = "EXT", default_value = "png")]
    pub(crate) format: String,
    /// Write even where the format cannot hold all metadata
    #[arg(long)]
    pub(crate) lossy_metadata: bool,
    /// Replace existing files
    #[arg(long)]
    pub(crate) force: bool,
}

/// Seconds of a frame from frames a second.
fn parse_rate(text: &str) -> Result<holotype::TimeBase, String> {
    let wrong = || "frames a second are a number or a fraction such as 30000/1001".to_owned();
    let (frames, seconds) = match text.split_once('/') {
        Some((frames, seconds)) => (frames.parse().ok(), seconds.parse().ok()),
        None => match text.split_once('.') {
            // At most six digits behind the point.
            Some((whole, part)) if part.len() <= 6 => {
                let scale = 10_u32.pow(part.len() as u32);
                (format!("{whole}{part}").parse().ok(), Some(scale))
            }
            Some(_) => (None, None),
            None => (text.parse().ok(), Some(1)),
        },
    };
    let (Some(frames), Some(seconds)) = (frames, seconds) else { return Err(wrong()) };
    holotype::TimeBase::new(seconds, frames).map_err(|_| wrong())
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The archive before
    #[arg(value_name = "A")]
    pub(crate) old: PathBuf,
    /// The archive after
    #[arg(value_name = "B")]
    pub(crate) new: PathBuf,
    /// Read this earlier revision of A, in place of `--revision`
    #[arg(long, value_name = "N", value_parser = parse_revision, help_heading = "Revisions")]
    pub(crate) old_revision: Option<holotype::Revision>,
    /// Read this earlier revision of B, in place of `--revision`
    #[arg(long, value_name = "N", value_parser = parse_revision, help_heading = "Revisions")]
    pub(crate) new_revision: Option<holotype::Revision>,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Archives, `-` for stdin
    #[arg(required = true, value_name = "IN")]
    pub(crate) paths: Vec<PathBuf>,
    /// Modes, times and links of packed files too
    #[arg(long, short)]
    pub(crate) long: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// The archive: a file, an address, `-` for stdin
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The image file to write, `-` for stdout (PNG)
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Item [default: the first with a preview]
    #[arg(long, value_name = "NAME")]
    pub(crate) item: Option<String>,
    /// Replace an existing file
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Cat {
    /// The archive: a file, an address, `-` for stdin
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// Item [default: the only one]: a file's bytes, an image's samples or a tensor's elements, little-endian
    #[arg(value_name = "ITEM")]
    pub(crate) item: Option<String>,
    /// Only this box of pixels of an image
    #[arg(long, value_name = "X,Y,W,H", value_parser = parse_region)]
    pub(crate) region: Option<holotype::Region>,
    /// Only these bytes of a file or of a tensor's elements, END not included; either may be left out
    #[arg(long, value_name = "START:END", value_parser = parse_range, conflicts_with = "region")]
    pub(crate) range: Option<(u64, Option<u64>)>,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ModeArg {
    /// For data loaders: quickest
    Fast,
    /// The balanced default
    Standard,
    /// For vaults: smallest
    Archival,
}

impl From<ModeArg> for holotype::Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Fast => Self::Fast,
            ModeArg::Standard => Self::Standard,
            ModeArg::Archival => Self::Archival,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PreviewArg {
    /// For images of at least 512 × 512 pixels
    Auto,
    /// Always
    On,
    /// Never
    Off,
}

impl From<PreviewArg> for holotype::PreviewChoice {
    fn from(preview: PreviewArg) -> Self {
        match preview {
            PreviewArg::Auto => Self::Auto,
            PreviewArg::On => Self::On,
            PreviewArg::Off => Self::Off,
        }
    }
}

fn parse_region(text: &str) -> Result<holotype::Region, String> {
    let numbers: Vec<u32> = text
        .split(',')
        .map(|part| part.trim().parse().map_err(|e| format!("`{part}`: {e}")))
        .collect::<Result<_, String>>()?;
    let &[x, y, width, height] = numbers.as_slice() else {
        return Err("expected four numbers `x,y,width,height`".into());
    };
    Ok(holotype::Region { x, y, width, height })
}

fn parse_range(text: &str) -> Result<(u64, Option<u64>), String> {
    let (start, end) = text.split_once(':').ok_or("expected `START:END`")?;
    let number = |part: &str| part.trim().parse::<u64>().map_err(|e| format!("`{part}`: {e}"));
    let start = if start.is_empty() { 0 } else { number(start)? };
    let end = if end.is_empty() { None } else { Some(number(end)?) };
    if end.is_some_and(|end| end < start) {
        Err("the range ends before it starts".into())
    } else {
        Ok((start, end))
    }
}

/// The name of an item that can be unpacked.
fn parse_item_path(name: &str) -> Result<String, String> {
    let is_good = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if name.split('/').all(is_good) {
        Ok(name.to_owned())
    } else {
        Err("a path without `.`, `..`, empty parts and a `/` at its start".into())
    }
}

fn parse_revision(text: &str) -> Result<holotype::Revision, String> {
    match text {
        "whole" => Ok(holotype::Revision::LastWhole),
        number => number
            .parse()
            .map(holotype::Revision::Number)
            .map_err(|_| "a number from 1, or `whole`".to_owned()),
    }
}

fn parse_chunking(text: &str) -> Result<holotype::Chunking, String> {
    let numbers: Vec<u32> = text.split(':').filter_map(|number| number.parse().ok()).collect();
    match (numbers.as_slice(), text.split(':').count()) {
        ([min, average, max], 3) if average.is_power_of_two() => {
            holotype::Chunking::new(*min, average.ilog2(), *max).map_err(|e| e.to_string())
        }
        _ => Err("chunks are given as MIN:AVERAGE:MAX in bytes, the average a power of two".to_owned()),
    }
}

fn parse_profile(name: &str) -> Result<holotype::Profile, String> {
    holotype::Profile::from_name(name)
        .ok_or_else(|| format!("profiles are {}", holotype::Profile::ALL.map(|p| p.name()).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn ranges_and_profiles_parse() {
        assert_eq!(parse_range("5:9"), Ok((5, Some(9))));
        assert_eq!(parse_range(":"), Ok((0, None)));
        assert!(parse_range("9:5").is_err() && parse_range("9").is_err() && parse_range("-1:").is_err());
        assert!(parse_profile("generik").is_err());
    }

    #[test]
    fn names_that_are_not_unpacked_are_not_given() {
        assert!(["a", "a/b", "..a", "a b"].iter().all(|name| parse_item_path(name).is_ok()));
        assert!(["", "..", "../a", "/a", "a//b", "a/"].iter().all(|name| parse_item_path(name).is_err()));
    }

    #[test]
    fn regions_parse() {
        assert_eq!(parse_region("1, 2,3,4"), Ok(holotype::Region { x: 1, y: 2, width: 3, height: 4 }));
        assert!(parse_region("1,2,3").is_err());
        assert!(parse_region("1,2,3,-4").is_err());
    }
}
