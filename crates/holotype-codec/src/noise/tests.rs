use super::*;

/// FNV-1a of 64 bits over the elements.
fn digest(recipe: &NoiseRecipe, element: ElementType, n: usize) -> u64 {
    let mut out = Vec::new();
    generate(recipe, element, n, &mut out).unwrap();
    out.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// Recorded from PyTorch 1.13 (x86-64, AVX2) and NumPy 1.24: generator, seed, element, number, digest.
const RECORDED: &[(NoiseGenerator, u64, ElementType, usize, u64)] = &[
    (NoiseGenerator::TorchCpuNormal, 0, ElementType::F32, 16, 0x28D4_9F8F_92BF_21D6),
    (NoiseGenerator::TorchCpuUniform, 0, ElementType::F32, 16, 0x355F_338C_445C_75F8),
    (NoiseGenerator::TorchCpuNormal, 0, ElementType::F32, 40, 0x550F_5B1A_0DE8_C136),
    (NoiseGenerator::TorchCpuUniform, 0, ElementType::F32, 40, 0x6147_9703_0671_05C9),
    (NoiseGenerator::TorchCpuNormal, 0, ElementType::F32, 1000, 0x31AE_6782_1CA5_077E),
    (NoiseGenerator::TorchCpuUniform, 0, ElementType::F32, 1000, 0xFD45_D9E8_345F_8403),
    (NoiseGenerator::TorchCpuNormal, 7, ElementType::F32, 16, 0x5D31_0A33_B33C_13D8),
    (NoiseGenerator::TorchCpuUniform, 7, ElementType::F32, 16, 0x905C_5E2C_7E1F_CAD4),
    (NoiseGenerator::TorchCpuNormal, 7, ElementType::F32, 40, 0x8FF8_B0CC_39F2_DB54),
    (NoiseGenerator::TorchCpuUniform, 7, ElementType::F32, 40, 0xC843_D8F3_E7E4_2C81),
    (NoiseGenerator::TorchCpuNormal, 7, ElementType::F32, 1000, 0xDEE1_7A05_7DE5_5FC7),
    (NoiseGenerator::TorchCpuUniform, 7, ElementType::F32, 1000, 0x437A_6FFD_182F_EE51),
    (NoiseGenerator::TorchCpuNormal, 42, ElementType::F32, 16, 0x080F_FA5F_BEB1_5154),
    (NoiseGenerator::TorchCpuUniform, 42, ElementType::F32, 16, 0x5543_AC55_66E6_F7BF),
    (NoiseGenerator::TorchCpuNormal, 42, ElementType::F32, 40, 0x7BED_02C1_DEF4_8F2C),
    (NoiseGenerator::TorchCpuUniform, 42, ElementType::F32, 40, 0xB319_1026_B72A_22B6),
    (NoiseGenerator::TorchCpuNormal, 42, ElementType::F32, 1000, 0x790C_9EBF_D525_92DA),
    (NoiseGenerator::TorchCpuUniform, 42, ElementType::F32, 1000, 0x9A09_202F_CEF2_A2B8),
    (NoiseGenerator::TorchCpuNormal, 4_294_967_295, ElementType::F32, 16, 0x1808_B97A_E710_776A),
    (NoiseGenerator::TorchCpuUniform, 4_294_967_295, ElementType::F32, 16, 0x179A_D29C_4C6A_CA4B),
    (NoiseGenerator::TorchCpuNormal, 4_294_967_295, ElementType::F32, 40, 0x036D_903C_5758_A9AB),
    (NoiseGenerator::TorchCpuUniform, 4_294_967_295, ElementType::F32, 40, 0x3C82_4B25_F6EC_ACD0),
    (NoiseGenerator::TorchCpuNormal, 4_294_967_295, ElementType::F32, 1000, 0x09D8_DEF0_90CE_0CB8),
    (NoiseGenerator::TorchCpuUniform, 4_294_967_295, ElementType::F32, 1000, 0xED5E_A2F4_C70C_3825),
    (NoiseGenerator::TorchCpuNormal, 1_099_511_627_781, ElementType::F32, 16, 0x3C61_A7C2_81FB_0730),
    (NoiseGenerator::TorchCpuUniform, 1_099_511_627_781, ElementType::F32, 16, 0x9EE7_C989_BB19_8B83),
    (NoiseGenerator::TorchCpuNormal, 1_099_511_627_781, ElementType::F32, 40, 0xEFCB_5891_E58E_A861),
    (NoiseGenerator::TorchCpuUniform, 1_099_511_627_781, ElementType::F32, 40, 0x56A6_38C4_C6CA_C74A),
    (NoiseGenerator::TorchCpuNormal, 1_099_511_627_781, ElementType::F32, 1000, 0xCF44_413A_37CD_1AB4),
    (NoiseGenerator::TorchCpuUniform, 1_099_511_627_781, ElementType::F32, 1000, 0xDF2D_A9B4_F5EE_5701),
    (NoiseGenerator::TorchCpuNormal, 7, ElementType::F32, 16384, 0xAC03_23B2_83B0_C3D2),
    (NoiseGenerator::TorchCpuNormal, 1, ElementType::F16, 1000, 0xF00D_77B4_5DB1_2436),
    (NoiseGenerator::TorchCpuUniform, 1, ElementType::F16, 1000, 0x67CD_CCBC_9639_6120),
    (NoiseGenerator::TorchCpuNormal, 99, ElementType::F16, 1000, 0x9900_1449_B6AC_2CFF),
    (NoiseGenerator::TorchCpuUniform, 99, ElementType::F16, 1000, 0x7FB6_2A35_6D2A_05DA),
    (NoiseGenerator::TorchCpuNormal, 1, ElementType::Bf16, 1000, 0x0EE7_E928_B8DD_DF32),
    (NoiseGenerator::TorchCpuUniform, 1, ElementType::Bf16, 1000, 0x646F_13D1_4C9D_F57B),
    (NoiseGenerator::TorchCpuNormal, 99, ElementType::Bf16, 1000, 0x37FC_DB6A_CAC0_A00E),
    (NoiseGenerator::TorchCpuUniform, 99, ElementType::Bf16, 1000, 0xD884_E102_8773_3715),
    (NoiseGenerator::TorchCpuUniform, 3, ElementType::F64, 333, 0x3513_6F1E_C11E_D21B),
    (NoiseGenerator::TorchCpuUniform, 12_345, ElementType::F64, 333, 0x824F_4CB5_8342_6570),
    (NoiseGenerator::NumpyPcg64Uniform, 0, ElementType::F64, 333, 0x3A62_DC32_4DE0_3E06),
    (NoiseGenerator::NumpyPcg64Uniform, 0, ElementType::F32, 333, 0x85A0_D05B_D16C_DAC3),
    (NoiseGenerator::NumpyPcg64Uniform, 7, ElementType::F64, 333, 0x0BE7_1CCC_B4BC_FEE4),
    (NoiseGenerator::NumpyPcg64Uniform, 7, ElementType::F32, 333, 0xF2AB_D1A2_7DEB_A39E),
    (NoiseGenerator::NumpyPcg64Uniform, 8_589_934_601, ElementType::F64, 333, 0x9CE2_9D23_179C_C934),
    (NoiseGenerator::NumpyPcg64Uniform, 8_589_934_601, ElementType::F32, 333, 0xE3A5_A22E_8597_D8C7),
    (
        NoiseGenerator::NumpyPcg64Uniform,
        18_446_744_073_709_551_615,
        ElementType::F64,
        333,
        0x30D0_4437_83A1_F273,
    ),
    (
        NoiseGenerator::NumpyPcg64Uniform,
        18_446_744_073_709_551_615,
        ElementType::F32,
        333,
        0x4FA6_204C_3B7B_E7F4,
    ),
    (NoiseGenerator::NumpyMt19937Uniform, 0, ElementType::F64, 333, 0x0AC3_B19C_83D0_2887),
    (NoiseGenerator::NumpyMt19937Uniform, 7, ElementType::F64, 333, 0x79A1_D08E_9C3A_574C),
    (NoiseGenerator::NumpyMt19937Uniform, 4_294_967_295, ElementType::F64, 333, 0xB870_573E_EFB1_B952),
];

#[test]
fn noise_is_that_of_the_libraries() {
    for (generator, seed, element, n, expected) in RECORDED {
        let recipe = NoiseRecipe { generator: *generator, seed: *seed, offset: 0 };
        let found = digest(&recipe, *element, *n);
        assert_eq!(found, *expected, "{} {seed} {} {n}", generator.name(), element.name());
    }
}

#[test]
fn an_offset_skips_draws() {
    for (generator, element, n_bytes) in [
        (NoiseGenerator::TorchCpuUniform, ElementType::F32, 4),
        (NoiseGenerator::NumpyPcg64Uniform, ElementType::F64, 8),
        (NoiseGenerator::TorchCpuNormal, ElementType::F32, 4),
    ] {
        let (mut all, mut rest) = (Vec::new(), Vec::new());
        let recipe = |offset| NoiseRecipe { generator, seed: 3, offset };
        generate(&recipe(0), element, 64, &mut all).unwrap();
        generate(&recipe(16), element, 48, &mut rest).unwrap();
        assert_eq!(all[16 * n_bytes..], rest);
    }
}

#[test]
fn what_is_not_made_is_refused() {
    let recipe = |generator, offset| NoiseRecipe { generator, seed: 0, offset };
    for (recipe, element, n) in [
        (recipe(NoiseGenerator::TorchCpuNormal, 0), ElementType::F32, 15),
        (recipe(NoiseGenerator::TorchCpuNormal, 0), ElementType::F64, 100),
        (recipe(NoiseGenerator::NumpyMt19937Uniform, 0), ElementType::F32, 5),
        (recipe(NoiseGenerator::TorchCpuUniform, 1 << 33), ElementType::F32, 5),
        (recipe(NoiseGenerator::TorchCpuUniform, 0), ElementType::I32, 5),
    ] {
        assert!(matches!(
            generate(&recipe, element, n, &mut Vec::new()),
            Err(CodecError::Unsupported { .. })
        ));
    }
}
