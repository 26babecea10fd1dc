fn main() {
    ffmpeg_next::init().ok();
    let _ = tract_onnx::onnx();
}
