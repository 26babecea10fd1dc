//! The camera's encoder: raw frames and sound go into the `ffmpeg` command and
//! come out as a file like those that action cameras write.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use autocut::base::{Diagnostic, Size};

use crate::plan::Shot;

pub(crate) struct Encoder {
    child: Child,
    path: PathBuf,
}

impl Encoder {
    pub(crate) fn start(path: &Path, shot: &Shot, size: Size, sound: Option<&Path>) -> Result<Self, Diagnostic> {
        let rate = shot.rate.to_string();
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
        command.args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", &size.to_string(), "-framerate", &rate]);
        command.args([
            "-color_range",
            "tv",
            "-colorspace",
            "bt709",
            "-color_primaries",
            "bt709",
            "-color_trc",
            "bt709",
        ]);
        command.args(["-i", "pipe:0"]);
        if let Some(sound) = sound {
            command.arg("-i").arg(sound).args(["-c:a", "aac", "-b:a", "160k"]);
        }
        // One thread each: the result must not depend on the machine, and the
        // files are made side by side.
        command.args(["-c:v", "libx264", "-preset", "superfast", "-crf", "20", "-threads", "1"]);
        command.args([
            "-g",
            "30",
            "-bf",
            "2",
            "-x264-params",
            "open-gop=0:colorprim=bt709:transfer=bt709:colormatrix=bt709",
        ]);
        command.args([
            "-color_range",
            "tv",
            "-colorspace",
            "bt709",
            "-color_primaries",
            "bt709",
            "-color_trc",
            "bt709",
        ]);
        command.args(["-video_track_timescale", &(shot.rate.numerator().max(1_000)).to_string()]);
        command.arg("-metadata").arg(format!("creation_time={}", shot.stated()));
        command.args(["-f", "mp4"]).arg(path);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let child = command.spawn().map_err(|error| {
            Diagnostic::environment(format!("can't start the ffmpeg command: {error}"))
                .hint("install FFmpeg, e.g. `sudo apt-get install ffmpeg`")
        })?;
        Ok(Encoder { child, path: path.to_owned() })
    }

    /// Takes the planes of one frame.
    pub(crate) fn write(&mut self, planes: &[u8]) -> Result<(), Diagnostic> {
        let written = match &mut self.child.stdin {
            Some(pipe) => pipe.write_all(planes),
            None => Ok(()),
        };
        written.map_err(|error| self.failed(&error.to_string()))
    }

    pub(crate) fn finish(mut self) -> Result<(), Diagnostic> {
        drop(self.child.stdin.take());
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.failed(&status.to_string())),
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    fn failed(&self, reason: &str) -> Diagnostic {
        Diagnostic::environment(format!("ffmpeg could not write {}: {reason}", self.path.display()))
            .hint("it needs libx264 and the native AAC encoder; its own message is above")
    }
}
