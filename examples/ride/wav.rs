//! 16-bit stereo sound in a RIFF WAVE file.

use std::path::Path;

use autocut::base::Diagnostic;

/// Samples per second of all sound here.
pub(crate) const RATE: u32 = 48_000;

/// Left and right, each in -1..1.
pub(crate) type Stereo = [f32; 2];

/// Writes `sound`; what is too loud is bent rather than cut.
pub(crate) fn write(path: &Path, sound: &[Stereo]) -> Result<(), Diagnostic> {
    let bytes = u32::try_from(sound.len() * 4).map_err(|_| Diagnostic::bug("a sound of more than 4 GB"))?;
    let mut out = Vec::with_capacity(44 + sound.len() * 4);
    out.extend(b"RIFF");
    out.extend((36 + bytes).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16u32.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend(2u16.to_le_bytes());
    out.extend(RATE.to_le_bytes());
    out.extend((RATE * 4).to_le_bytes());
    out.extend(4u16.to_le_bytes());
    out.extend(16u16.to_le_bytes());
    out.extend(b"data");
    out.extend(bytes.to_le_bytes());
    for sample in sound.iter().flatten() {
        let bent = libm::tanhf(*sample * 1.1) * 0.92;
        out.extend(((bent * 32_767.0) as i16).to_le_bytes());
    }
    crate::write_file(path, &out)
}
