//! `holotype._holotype`: the glue between the Python package and the `holotype` crate.
//!
//! Here values cross between the languages and the interpreter lock is released; names, defaults and
//! documentation are in `python/holotype`.

mod animation;
mod archive;
mod batch;
mod error;
mod fields;
mod generation;
mod held;
mod packing;
mod signing;
mod source;
mod tensor;
mod write;

/// Keeps the buffers of one tile for the next: giving them back to the system costs a fifth of the coding time. (The
/// program does without: it would take two to three times the memory for one large file.)
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pyo3::pymodule]
mod _holotype {
    /// Version of the package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the Python name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    use crate::animation::{
        Animation, append_frames, export_animation, import_animation, read_audio, recognise_audio,
        write_animation,
    };
    #[pymodule_export]
    use crate::archive::is_address;
    #[pymodule_export]
    use crate::archive::{Archive, FileMap};
    #[pymodule_export]
    use crate::batch::read_many_into;
    #[pymodule_export]
    use crate::generation::{
        add_attachment, add_generation, add_image, add_image_file, add_tensor, check_generation, check_part,
        derive_generation, derive_generation_file, generation_schema, item_place, noise_generators,
        read_generation, redact_generation,
    };
    #[pymodule_export]
    use crate::packing::Writer;
    #[pymodule_export]
    use crate::signing::{keygen, rekey, sign};
    #[pymodule_export]
    use crate::tensor::{
        check_raw_frame, raw_frame, read_tensor_into, tensor_fields, tensor_max_error, tensor_noise,
        tensor_parent, tensor_region_bytes, tensors_of_file,
    };
    #[pymodule_export]
    use crate::write::{encode_image, import_file};
}
