//! For tests: writes small ONNX files, as far as the protocol buffers of
//! onnx.proto3 are needed for that, and builds a detector out of convolutions.

/// A protocol buffer message in the making.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn int(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    fn message(self, field: u64, value: Message) -> Self {
        self.bytes(field, &value.0)
    }
}

/// An attribute of a node.
pub(super) enum Attribute<'a> {
    Int(i64),
    Ints(&'a [i64]),
}

/// A graph in the making.
#[derive(Default)]
pub(super) struct Graph {
    body: Message,
}

impl Graph {
    #[must_use]
    pub(super) fn node(
        mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[(&str, Attribute<'_>)],
    ) -> Self {
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        let mut node = node.text(2, output).text(3, &format!("make {output}")).text(4, operator);
        for (name, value) in attributes {
            let attribute = Message::default().text(1, name);
            node = node.message(
                5,
                match value {
                    Attribute::Int(i) => attribute.int(3, *i).int(20, 2),
                    Attribute::Ints(all) => all.iter().fold(attribute, |a, i| a.int(8, *i)).int(20, 7),
                },
            );
        }
        self.body = self.body.message(1, node);
        self
    }

    #[must_use]
    pub(super) fn floats(self, name: &str, dims: &[i64], values: &[f32]) -> Self {
        self.tensor(name, dims, 1, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
    }

    #[must_use]
    pub(super) fn ints(self, name: &str, values: &[i64]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(name, &[values.len() as i64], 7, &raw)
    }

    fn tensor(mut self, name: &str, dims: &[i64], kind: i64, raw: &[u8]) -> Self {
        let tensor = dims.iter().fold(Message::default(), |t, dim| t.int(1, *dim));
        self.body = self.body.message(5, tensor.int(2, kind).text(8, name).bytes(9, raw));
        self
    }

    /// The bytes of a model file. Dimensions of 0 are left open.
    pub(super) fn model(self, input: (&str, &[i64]), output: (&str, &[i64])) -> Vec<u8> {
        let value = |(name, dims): (&str, &[i64])| {
            let shape = dims.iter().fold(Message::default(), |shape, dim| {
                let dim = if *dim == 0 { Message::default().text(2, "any") } else { Message::default().int(1, *dim) };
                shape.message(1, dim)
            });
            let tensor = Message::default().int(1, 1).message(2, shape);
            Message::default().text(1, name).message(2, Message::default().message(1, tensor))
        };
        let graph = self.body.text(2, "test").message(11, value(input)).message(12, value(output));
        let operators = Message::default().text(1, "").int(2, 13);
        Message::default().int(1, 8).message(7, graph).message(8, operators).0
    }
}

/// A detector of red (class 0) and blue (class 1) squares of `square` pixels on
/// grey, in pictures of `side` x `side` pixels, with the output of YOLOv8:
/// (1, 4 + 2, N). Colour differences are clipped to "is it this colour", the
/// mean over a square around each place of a grid is the confidence, and every
/// box has the size of a square.
pub(super) fn coloured_squares(side: i64, square: i64) -> Vec<u8> {
    const STRIDE: i64 = 2;
    use Attribute::{Int, Ints};
    // Red: more red than green and blue together; likewise blue.
    let colours = [1.0, -0.5, -0.5, -0.5, -0.5, 1.0];
    let places = (side - square) / STRIDE + 1;
    let count = places * places;
    let centre = |i: i64| (i * STRIDE) as f32 + square as f32 / 2.0;
    let boxes: Vec<f32> = (0..4)
        .flat_map(|field| {
            (0..count).map(move |i| match field {
                0 => centre(i % places),
                1 => centre(i / places),
                _ => square as f32,
            })
        })
        .collect();
    // One box filter for each class, grouped.
    let mean = vec![1.0 / (square * square) as f32; 2 * (square * square) as usize];
    Graph::default()
        .floats("colours", &[2, 3, 1, 1], &colours)
        .floats("offset", &[2], &[-0.35, -0.35])
        .floats("steep", &[1], &[20.0])
        .floats("zero", &[], &[0.0])
        .floats("one", &[], &[1.0])
        .floats("mean", &[2, 1, square, square], &mean)
        .floats("boxes", &[1, 4, count], &boxes)
        .ints("flat", &[1, 2, -1])
        .node("Conv", &["images", "colours", "offset"], "difference", &[])
        .node("Mul", &["difference", "steep"], "steeper", &[])
        .node("Clip", &["steeper", "zero", "one"], "is", &[])
        .node("Conv", &["is", "mean"], "scores", &[("group", Int(2)), ("strides", Ints(&[STRIDE, STRIDE]))])
        .node("Reshape", &["scores", "flat"], "confidences", &[])
        .node("Concat", &["boxes", "confidences"], "output0", &[("axis", Int(1))])
        .model(("images", &[1, 3, side, side]), ("output0", &[1, 6, count]))
}
