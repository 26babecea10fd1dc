//! A file as a demuxer is to see it: with its index replaced.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io::{self, SeekFrom};
use std::os::unix::fs::FileExt;
use std::ptr::{self, NonNull};

use ffmpeg_next::error::{EINVAL, EIO};
use ffmpeg_next::ffi;

use super::{Error, NO_MEMORY};

/// Bytes that are read at once where the demuxer asks for less.
const BUFFER: usize = 1 << 16;

/// A file whose index is hidden, with another one after its end.
pub(crate) struct View {
    context: NonNull<ffi::AVIOContext>,
    /// What the context points to.
    content: NonNull<Content>,
}

struct Content {
    file: File,
    /// Of the file alone.
    length: u64,
    /// Where the name of the box is that is hidden.
    hidden: u64,
    index: Vec<u8>,
    at: u64,
}

/// The name of a box that holds nothing (ISO/IEC 14496-12, 8.1.2).
const NOTHING: [u8; 4] = *b"free";

impl View {
    /// An MP4 of `length` bytes with the box whose name stands at `hidden` out of
    /// the way and `index` after it.
    pub(crate) fn new(file: &File, length: u64, hidden: u64, index: Vec<u8>) -> Result<View, Error> {
        let file = file.try_clone().map_err(|error| Error::Other { errno: error.raw_os_error().unwrap_or(EIO) })?;
        let content = NonNull::from(Box::leak(Box::new(Content { file, length, hidden, index, at: 0 })));
        // SAFETY: allocates; the buffer belongs to the context, which is freed with it.
        let context = unsafe {
            let buffer = ffi::av_malloc(BUFFER);
            let opaque = content.as_ptr().cast();
            let size = BUFFER as c_int;
            let context = match buffer.is_null() {
                true => ptr::null_mut(),
                false => ffi::avio_alloc_context(buffer.cast(), size, 0, opaque, Some(read), None, Some(seek)),
            };
            if context.is_null() {
                ffi::av_free(buffer);
            }
            NonNull::new(context)
        };
        match context {
            Some(context) => Ok(View { context, content }),
            None => {
                // SAFETY: leaked above, and nobody has it.
                drop(unsafe { Box::from_raw(content.as_ptr()) });
                Err(NO_MEMORY)
            }
        }
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVIOContext {
        self.context.as_ptr()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: nobody else frees any of them; the buffer may be another one by now.
        unsafe {
            ffi::av_freep((&raw mut (*context).buffer).cast());
            ffi::avio_context_free(&mut context);
            drop(Box::from_raw(self.content.as_ptr()));
        }
    }
}

impl Content {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self.at.checked_sub(self.length) {
            Some(after) => {
                let left = usize::try_from(after).ok().and_then(|after| self.index.get(after..)).unwrap_or_default();
                let read = left.len().min(into.len());
                into.iter_mut().zip(left).for_each(|(to, from)| *to = *from);
                read
            }
            None => {
                let most = usize::try_from(self.length - self.at).unwrap_or(usize::MAX).min(into.len());
                let into = into.get_mut(..most).unwrap_or_default();
                let read = self.file.read_at(into, self.at)?;
                for (name, at) in NOTHING.iter().zip(self.hidden..) {
                    let within = at.checked_sub(self.at).and_then(|within| usize::try_from(within).ok());
                    if let Some(byte) = within.filter(|within| *within < read).and_then(|within| into.get_mut(within)) {
                        *byte = *name;
                    }
                }
                read
            }
        };
        self.at += read as u64;
        Ok(read)
    }

    fn seek(&mut self, to: SeekFrom) -> Option<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (0, i64::try_from(at).ok()?),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.end(), by),
        };
        self.at = from.checked_add_signed(by)?;
        Some(self.at)
    }

    fn end(&self) -> u64 {
        self.length + self.index.len() as u64
    }
}

/// As `avio_alloc_context` wants it.
unsafe extern "C" fn read(content: *mut c_void, into: *mut u8, size: c_int) -> c_int {
    let Ok(length) = usize::try_from(size) else { return ffi::AVERROR(EINVAL) };
    // SAFETY: this is the content of the view that the context belongs to, and
    // libav* gives room for as much as it asks for.
    let (content, into) = unsafe { (&mut *content.cast::<Content>(), std::slice::from_raw_parts_mut(into, length)) };
    let read = loop {
        match content.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read,
        }
    };
    match read {
        Ok(0) => ffi::AVERROR_EOF,
        Ok(read) => c_int::try_from(read).unwrap_or(c_int::MAX),
        Err(error) => ffi::AVERROR(error.raw_os_error().unwrap_or(EIO)),
    }
}

/// As `avio_alloc_context` wants it.
unsafe extern "C" fn seek(content: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: as above.
    let content = unsafe { &mut *content.cast::<Content>() };
    let unsigned = u64::try_from(offset).ok();
    let to = match whence & !(ffi::AVSEEK_FORCE as c_int) {
        0 => unsigned.map(SeekFrom::Start),
        1 => Some(SeekFrom::Current(offset)),
        2 => Some(SeekFrom::End(offset)),
        whence if whence == ffi::AVSEEK_SIZE as c_int => return i64::try_from(content.end()).unwrap_or(i64::MAX),
        _ => None,
    };
    let at = to.and_then(|to| content.seek(to)).and_then(|at| i64::try_from(at).ok());
    at.unwrap_or(i64::from(ffi::AVERROR(EINVAL)))
}
