//! A file that is read: its streams, tags and packets.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};

use autocut::model::{Colour, Matrix};
use ffmpeg_next::{ffi, format::context};

use super::reading::Holes;
use super::{Dictionary, Error, NO_MEMORY, PixelFormat, View, c_string, check, number, rational, set_number, string};

/// A demuxer. ffmpeg-next's handle owns the context, since only that knows
/// where side data is in each version of FFmpeg.
pub(crate) struct Input {
    context: context::Input,
    /// The one stream whose packets are read, where it is one.
    pub(super) kept: Option<usize>,
    pub(super) holes: Holes,
    /// What it reads through, where that is not the file itself: closed after it.
    _view: Option<View>,
}

/// Demuxers of footage and music. Not among them: playlists and scripts, which
/// name other files, those that take any text for a picture, and streams without
/// a container, whose pictures have no times.
const FORMATS: &str = "mov,mp4,matroska,webm,mpegts,mpeg,avi,flv,asf,mxf,dv,ogg,ivf,av1,nut,rm,gif,wav,w64,flac,mp3,aac,ac3,eac3,aiff,caf,au,wv,ape,amr,dts,tta,image2,png_pipe,jpeg_pipe,bmp_pipe,\
    webp_pipe,tiff_pipe";

/// No other file is read, whatever a file or its name says: references of MP4
/// and MOV, numbers in the names of pictures. And no table of streams without end.
const LIMITS: [(&str, &str); 6] = [
    ("protocol_whitelist", "file"),
    ("format_whitelist", FORMATS),
    ("max_streams", "100"),
    ("enable_drefs", "0"),
    ("use_absolute_path", "0"),
    ("pattern_type", "none"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Video,
    Audio,
    Other,
}

impl Input {
    /// Opens a file and reads as much of it as is needed to know its streams.
    /// Nothing but local files is touched, whatever the file refers to.
    pub(crate) fn open(path: &Path) -> Result<Input, Error> {
        Self::open_through(None, path)
    }

    /// The same of a file as a view shows it.
    pub(crate) fn open_view(path: &Path, view: View) -> Result<Input, Error> {
        Self::open_through(Some(view), path)
    }

    fn open_through(view: Option<View>, path: &Path) -> Result<Input, Error> {
        // The prefix keeps a file that is named `a:b.mp4` from being a protocol.
        let url = c_string(&[b"file:", path.as_os_str().as_bytes()].concat());
        let mut options = Dictionary::new(LIMITS);
        let mut context = ptr::null_mut();
        // SAFETY: on failure `context` is NULL again; on success it is owned here.
        // A view lives longer.
        let input = unsafe {
            if let Some(view) = &view {
                context = ffi::avformat_alloc_context();
                context.as_mut().ok_or(NO_MEMORY)?.pb = view.as_ptr();
            }
            check(ffi::avformat_open_input(&mut context, url.as_ptr(), ptr::null_mut(), &mut options.0))?;
            Input { context: context::Input::wrap(context), kept: None, holes: Holes::default(), _view: view }
        };
        let stated: Vec<ColourTags> = input.streams().map(|stream| stream.colour()).collect();
        // SAFETY: open.
        check(unsafe { ffi::avformat_find_stream_info(input.as_ptr(), ptr::null_mut()) })?;
        // A decoder that was asked on the way takes what its frames leave open for
        // what is known of them (FFmpeg's of ProRes does), and not the container's
        // word.
        for (stream, stated) in input.streams().zip(stated) {
            stream.set_colour(stream.colour().or(stated));
        }
        Ok(input)
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVFormatContext {
        // SAFETY: only hands the pointer out.
        unsafe { self.context.as_ptr().cast_mut() }
    }

    fn get(&self) -> &ffi::AVFormatContext {
        // SAFETY: valid until dropped.
        unsafe { &*self.context.as_ptr() }
    }

    /// The demuxer's short name, e.g. `mov,mp4,m4a,3gp,3g2,mj2`.
    pub(crate) fn container(&self) -> String {
        // SAFETY: an open context has a format, whose name is static.
        unsafe { self.get().iformat.as_ref().and_then(|f| string(f.name)).unwrap_or_default() }
    }

    /// Length of the whole file in microseconds, where it is known.
    pub(crate) fn duration_micros(&self) -> Option<i64> {
        Some(self.get().duration).filter(|d| *d > 0)
    }

    /// A tag of the file, whatever the case of its name.
    pub(crate) fn tag(&self, name: &str) -> Option<String> {
        tag(self.get().metadata, name)
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = Stream<'_>> {
        let count = usize::try_from(self.get().nb_streams).unwrap_or(0);
        (0..count).filter_map(|index| self.stream(index))
    }

    pub(crate) fn stream(&self, index: usize) -> Option<Stream<'_>> {
        let context = self.get();
        if index >= usize::try_from(context.nb_streams).unwrap_or(0) {
            return None;
        }
        // SAFETY: the array holds `nb_streams` pointers to streams with parameters.
        let (raw, parameters) = unsafe {
            let raw = NonNull::new(*context.streams.add(index))?;
            (raw, NonNull::new(raw.as_ref().codecpar)?)
        };
        Some(Stream { index, raw, parameters, input: &self.context })
    }
}

/// What is known of one stream, as long as its input lives.
#[derive(Clone, Copy)]
pub(crate) struct Stream<'a> {
    pub(crate) index: usize,
    raw: NonNull<ffi::AVStream>,
    parameters: NonNull<ffi::AVCodecParameters>,
    input: &'a context::Input,
}

impl Stream<'_> {
    pub(super) fn raw(&self) -> NonNull<ffi::AVStream> {
        self.raw
    }

    fn get(&self) -> &ffi::AVStream {
        // SAFETY: lives as long as the input that is borrowed.
        unsafe { self.raw.as_ref() }
    }

    pub(super) fn parameters(&self) -> &ffi::AVCodecParameters {
        // SAFETY: lives as long as the stream.
        unsafe { self.parameters.as_ref() }
    }

    pub(crate) fn kind(&self) -> StreamKind {
        // SAFETY: an enum of C.
        let kind = unsafe { number(&raw const (*self.parameters.as_ptr()).codec_type) };
        match kind {
            0 => StreamKind::Video,
            1 => StreamKind::Audio,
            _ => StreamKind::Other,
        }
    }

    /// Cover art: a picture, not footage.
    pub(crate) fn is_attached_picture(&self) -> bool {
        self.get().disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0
    }

    /// Marked as the one to be played.
    pub(crate) fn is_default(&self) -> bool {
        self.get().disposition & ffi::AV_DISPOSITION_DEFAULT != 0
    }

    /// Seconds of one tick, numerator and denominator.
    pub(crate) fn time_base(&self) -> (i32, i32) {
        rational(self.get().time_base)
    }

    pub(crate) fn start(&self) -> Option<i64> {
        Some(self.get().start_time).filter(|t| *t != ffi::AV_NOPTS_VALUE)
    }

    pub(crate) fn duration(&self) -> Option<i64> {
        Some(self.get().duration).filter(|t| *t > 0)
    }

    /// As the container counts them; 0 where it does not.
    pub(crate) fn frames(&self) -> u64 {
        u64::try_from(self.get().nb_frames).unwrap_or(0)
    }

    /// The lowest rate on whose grid all timestamps lie, guessed by FFmpeg.
    pub(crate) fn base_rate(&self) -> (i32, i32) {
        rational(self.get().r_frame_rate)
    }

    /// Frames over duration.
    pub(crate) fn average_rate(&self) -> (i32, i32) {
        rational(self.get().avg_frame_rate)
    }

    pub(crate) fn tag(&self, name: &str) -> Option<String> {
        tag(self.get().metadata, name)
    }

    /// FFmpeg's name of the codec, e.g. `h264`.
    pub(crate) fn codec(&self) -> String {
        // SAFETY: names are static.
        unsafe { string(ffi::avcodec_get_name(self.parameters().codec_id)).unwrap_or_default() }
    }

    /// The container's name of the codec as four letters, e.g. `gpmd`.
    pub(crate) fn codec_tag(&self) -> Option<String> {
        let letters = self.parameters().codec_tag.to_le_bytes();
        letters.iter().all(u8::is_ascii_graphic).then(|| letters.iter().map(|letter| char::from(*letter)).collect())
    }

    /// FFmpeg's name of the codec's profile, e.g. `Main 10`.
    pub(crate) fn profile(&self) -> Option<String> {
        let parameters = self.parameters();
        // SAFETY: names are static.
        unsafe { string(ffi::avcodec_profile_name(parameters.codec_id, parameters.profile)) }
    }

    /// Where frames are two fields: whether the top line's is shown first.
    pub(crate) fn top_field_first(&self) -> Option<bool> {
        // SAFETY: an enum of C. 2 and 3: coded as they are shown, top or bottom
        // first; 4 and 5: coded the other way round, bottom or top shown first.
        match unsafe { number(&raw const (*self.parameters.as_ptr()).field_order) } {
            2 | 5 => Some(true),
            3 | 4 => Some(false),
            _ => None,
        }
    }

    /// What the container holds for the decoder, e.g. parameter sets.
    pub(crate) fn extradata(&self) -> &[u8] {
        let parameters = self.parameters();
        match usize::try_from(parameters.extradata_size) {
            // SAFETY: libav* keeps data and size together; they live as long as the stream.
            Ok(size) if size > 0 && !parameters.extradata.is_null() => unsafe {
                std::slice::from_raw_parts(parameters.extradata, size)
            },
            _ => &[],
        }
    }

    /// Stored size in pixels.
    pub(crate) fn size(&self) -> (u32, u32) {
        let side = |n: i32| u32::try_from(n).unwrap_or(0);
        (side(self.parameters().width), side(self.parameters().height))
    }

    /// Width to height of a pixel as the container has it, else the stream.
    pub(crate) fn pixel_aspect(&self) -> (i32, i32) {
        let container = rational(self.get().sample_aspect_ratio);
        if container.0 > 0 { container } else { rational(self.parameters().sample_aspect_ratio) }
    }

    pub(crate) fn pixel_format(&self) -> PixelFormat {
        PixelFormat(self.parameters().format)
    }

    /// FFmpeg's numbers of range, primaries, transfer and matrix.
    pub(crate) fn colour(&self) -> ColourTags {
        let p = self.parameters.as_ptr();
        // SAFETY: enums of C.
        unsafe {
            ColourTags {
                range: number(&raw const (*p).color_range),
                primaries: number(&raw const (*p).color_primaries),
                transfer: number(&raw const (*p).color_trc),
                matrix: number(&raw const (*p).color_space),
            }
        }
    }

    fn set_colour(&self, colour: ColourTags) {
        let p = self.parameters.as_ptr();
        // SAFETY: enums of C, and the numbers are such as libav* gave before.
        unsafe {
            set_number(&raw mut (*p).color_range, colour.range);
            set_number(&raw mut (*p).color_primaries, colour.primaries);
            set_number(&raw mut (*p).color_trc, colour.transfer);
            set_number(&raw mut (*p).color_space, colour.matrix);
        }
    }

    /// Samples per second.
    pub(crate) fn sample_rate(&self) -> u32 {
        u32::try_from(self.parameters().sample_rate).unwrap_or(0)
    }

    pub(crate) fn channels(&self) -> u16 {
        u16::try_from(self.parameters().ch_layout.nb_channels).unwrap_or(0)
    }

    /// The matrix that turns the picture upright: nine numbers, row by row, as
    /// ISO 14496-12 8.3.2 lays them out.
    pub(crate) fn display_matrix(&self) -> Option<[i32; 9]> {
        let bytes: [u8; 36] = self.side_data(ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX)?;
        let mut matrix = [0; 9];
        for (entry, four) in matrix.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *entry = i32::from_ne_bytes(*four);
        }
        Some(matrix)
    }

    /// What the container says of Dolby Vision.
    pub(crate) fn dolby_vision(&self) -> Option<DolbyVision> {
        // `AVDOVIDecoderConfigurationRecord`: bytes, of which the third is the
        // profile and the eighth what the pictures are without it.
        let bytes: [u8; 8] = self.side_data(ffi::AVPacketSideDataType::AV_PKT_DATA_DOVI_CONF)?;
        Some(DolbyVision { profile: bytes[2], compatible: bytes[7] })
    }

    /// The first bytes of side data of that kind.
    fn side_data<const N: usize>(&self, kind: ffi::AVPacketSideDataType) -> Option<[u8; N]> {
        let stream = self.input.stream(self.index)?;
        stream.side_data().find_map(|data| {
            // SAFETY: side data lives as long as the stream.
            unsafe {
                let raw = data.as_ptr();
                let is_it = number(&raw const (*raw).type_) == kind as i32 && (*raw).size >= N;
                is_it.then(|| std::slice::from_raw_parts((*raw).data, N))?.try_into().ok()
            }
        })
    }

    /// The container's index; empty where it has none.
    pub(crate) fn index(&self) -> impl Iterator<Item = Entry> {
        let raw = self.raw.as_ptr();
        // SAFETY: an entry is valid until the next call on the stream.
        let count = unsafe { ffi::avformat_index_get_entries_count(raw) };
        (0..count).filter_map(move |i| {
            // SAFETY: as above; only copied out of.
            unsafe {
                let entry = ffi::avformat_index_get_entry(raw, i).as_ref()?;
                let key = entry.flags() & ffi::AVINDEX_KEYFRAME != 0;
                let size = u32::try_from(entry.size()).unwrap_or(u32::MAX);
                Some(Entry { ticks: entry.timestamp, key, at: entry.pos, size })
            }
        })
    }
}

/// A packet, as the container's index lists it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Of decoding or presentation, as the container likes.
    pub(crate) ticks: i64,
    pub(crate) key: bool,
    /// Where in the file it lies, in bytes.
    pub(crate) at: i64,
    pub(crate) size: u32,
}

impl Entry {
    /// Where in the file it ends.
    pub(crate) fn end(&self) -> Option<u64> {
        u64::try_from(self.at).ok()?.checked_add(u64::from(self.size))
    }

    /// Whether it lies in a file of that size.
    pub(crate) fn is_within(&self, size: u64) -> bool {
        self.end().is_some_and(|end| end <= size)
    }
}

/// What Dolby Vision's own numbers say (`dvcC`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DolbyVision {
    pub(crate) profile: u8,
    /// What who knows nothing of it may take the pictures for: 1 HDR10, 2 SDR,
    /// 4 HLG; 0 for nothing that there is.
    pub(crate) compatible: u8,
}

impl DolbyVision {
    /// Whether its pictures are right only for who knows it: IPT with a PQ of
    /// its own.
    pub(crate) fn is_alone(self) -> bool {
        self.profile == 5 || self.profile == 10 && self.compatible == 0
    }
}

/// FFmpeg's numbers; 2 (0 for the range) is "not stated".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColourTags {
    pub(crate) range: i32,
    pub(crate) primaries: i32,
    pub(crate) transfer: i32,
    pub(crate) matrix: i32,
}

impl ColourTags {
    /// With what `other` states where these state nothing.
    fn or(self, other: ColourTags) -> ColourTags {
        let number = |own: i32, other: i32| if own == 2 { other } else { own };
        ColourTags {
            range: if self.range == 0 { other.range } else { self.range },
            primaries: number(self.primaries, other.primaries),
            transfer: number(self.transfer, other.transfer),
            matrix: number(self.matrix, other.matrix),
        }
    }

    /// The matrix that follows from the primaries, where it is one of those that
    /// have a name (ITU-T H.273, 8.3, value 12).
    fn derived_matrix(self) -> Option<Matrix> {
        match self.primaries {
            1 => Some(Matrix::Bt709),
            6 | 7 => Some(Matrix::Smpte240),
            9 => Some(Matrix::Bt2020),
            _ => None,
        }
    }

    /// The name of a matrix that [`ColourTags::colour`] knows nothing of.
    pub(crate) fn unknown_matrix(self, format: PixelFormat) -> Option<String> {
        let name = match self.matrix {
            _ if format.is_rgb() => return None,
            11 => "Y'D'zD'x (SMPTE ST 2085)",
            12 if self.derived_matrix().is_none() => "one that is derived from unusual primaries",
            13 => "one with constant luminance that is derived from the primaries",
            14 => "ICtCp",
            15 => "IPT-C2 (SMPTE ST 2128)",
            16 | 17 => "YCgCo-R",
            number if number > 17 => return Some(format!("number {number} of ITU-T H.273")),
            _ => return None,
        };
        Some(name.to_owned())
    }

    /// Whether luminance is constant in the matrix of BT.2020, which nobody films
    /// in but some files claim.
    pub(crate) fn claims_constant_luminance(self, format: PixelFormat) -> bool {
        self.matrix == 10 && !format.is_rgb()
    }

    /// What they mean for pictures of that format; where they say nothing, what
    /// players take it for.
    pub(crate) fn colour(self, format: PixelFormat, (width, height): (u32, u32)) -> Colour {
        let is_hd = width >= 1280 || height > 576;
        let matrix = match self.matrix {
            1 => Matrix::Bt709,
            // FCC's, which is 4, is less than a level away.
            4..=6 => Matrix::Bt601,
            7 => Matrix::Smpte240,
            8 => Matrix::YCgCo,
            9 | 10 => Matrix::Bt2020,
            12 if !format.is_rgb() => self.derived_matrix().unwrap_or(Matrix::Bt709),
            // HDR and wide colours hardly ever come in another.
            0 | 2 | 3 if !format.is_rgb() && (matches!(self.transfer, 16 | 18) || self.primaries == 9) => {
                Matrix::Bt2020
            }
            _ if is_hd => Matrix::Bt709,
            _ => Matrix::Bt601,
        };
        let number = |tag: i32| u8::try_from(tag).ok().filter(|tag| *tag != 0).unwrap_or(2);
        Colour {
            matrix,
            full_range: self.range == 2 || format.implies_full_range() || format.is_rgb(),
            primaries: number(self.primaries),
            transfer: number(self.transfer),
        }
    }
}

fn tag(metadata: *const ffi::AVDictionary, name: &str) -> Option<String> {
    let name = c_string(name.as_bytes());
    // SAFETY: the entry lives as long as the dictionary and is copied.
    unsafe {
        let entry = ffi::av_dict_get(metadata, name.as_ptr(), ptr::null(), 0);
        entry.as_ref().and_then(|entry| string(entry.value))
    }
}
