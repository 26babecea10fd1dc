//! A detector model: an ONNX file, loaded by tract for one picture at a time.
//!
//! Everything that can be wrong with a file that somebody downloaded is said
//! here, with the file's name. Weights that lie outside of the file are not
//! read: the model's digest would not cover them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use autocut::base::{Diagnostic, Size};
use tract_onnx::pb::{GraphProto, ModelProto, tensor_proto, tensor_shape_proto, type_proto};
use tract_onnx::prelude::*;

/// Side of the input where the model leaves it open, the size that the YOLO
/// family is trained with.
const DEFAULT_SIDE: u32 = 640;
/// The largest side that is taken: a lying model must not fill the memory.
const MAX_SIDE: i64 = 4096;

/// A model that is ready to run.
pub(crate) struct Model {
    plan: Arc<TypedRunnableModel>,
    input: Size,
}

/// One output of a run.
pub(crate) struct Output {
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Vec<f32>,
}

impl Model {
    /// Loads and optimises an ONNX file with one input of the shape
    /// (1, 3, height, width), 640 x 640 where the file leaves that open.
    ///
    /// # Errors
    /// Of the user's input: not ONNX, an operator that tract does not have,
    /// another input.
    pub(crate) fn load(path: &Path) -> Result<Model, Diagnostic> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        // tract indexes by what the file says in places: a damaged file may
        // panic there and must not end the process.
        let loaded = catch_unwind(AssertUnwindSafe(|| load(path, &name)));
        loaded.unwrap_or_else(|_| Err(Diagnostic::input(format!("{name} is a damaged ONNX model"))))
    }

    /// Width and height of the pictures that it takes.
    pub(crate) fn input(&self) -> Size {
        self.input
    }

    /// Runs on one picture: red, green and blue planes one after the other,
    /// each number from 0 to 1.
    ///
    /// # Errors
    /// Where the model fails on it, e.g. because it divides by zero.
    pub(crate) fn run(&self, planes: &[f32]) -> Result<Vec<Output>, Diagnostic> {
        let shape = [1, 3, self.input.height as usize, self.input.width as usize];
        let outputs = catch_unwind(AssertUnwindSafe(|| -> TractResult<Vec<Output>> {
            let input = Tensor::from_shape(&shape, planes)?;
            let outputs = self.plan.run(tvec!(input.into()))?;
            outputs.iter().map(|output| numbers(output)).collect()
        }));
        let outputs = outputs.unwrap_or_else(|_| Err(TractError::msg("it panicked")));
        outputs.map_err(|error| notes(Diagnostic::input("the detector model failed on a picture"), &error))
    }
}

fn numbers(output: &Tensor) -> TractResult<Output> {
    let shape = output.shape().to_vec();
    let floats = output.cast_to::<f32>()?;
    let numbers = floats.try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
    Ok(Output { shape, numbers })
}

fn load(path: &Path, name: &str) -> Result<Model, Diagnostic> {
    let onnx = tract_onnx::onnx().with_ignore_value_info(true);
    let proto = onnx.proto_model_for_path(path);
    let proto = proto.map_err(|error| notes(Diagnostic::input(format!("{name} is not an ONNX model")), &error))?;
    let Some(graph) = &proto.graph else {
        return Err(Diagnostic::input(format!("{name} is an ONNX model without a graph")));
    };
    known_operators(graph, name, |operator| onnx.op_register.0.contains_key(operator))?;
    let input = input_size(graph, name)?;
    if has_external_weights(&proto) {
        return Err(Diagnostic::input(format!("{name} keeps its weights in another file"))
            .hint("export the model as one file, without external data"));
    }
    let fail = |error: TractError| {
        let hint = "export it with a fixed input shape, operator set 17 or less, simplified, and without NMS";
        notes(Diagnostic::input(format!("{name} cannot be loaded")), &error).hint(hint)
    };
    let parsed = onnx.parse(&proto, None).map_err(fail)?;
    if let Some(missing) = parsed.unresolved_inputs.first() {
        return Err(Diagnostic::input(format!("{name} uses \"{missing}\", which nothing in it makes")));
    }
    let shape = tvec!(1, 3, input.height as usize, input.width as usize);
    let model = parsed.model.with_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), shape));
    let model = model.and_then(InferenceModelExt::into_optimized).map_err(fail)?;
    let plan = model.into_runnable().map_err(fail)?;
    Ok(Model { plan, input })
}

/// Every operator that is not known, by name.
fn known_operators(graph: &GraphProto, file: &str, known: impl Fn(&str) -> bool) -> Result<(), Diagnostic> {
    let mut unknown: BTreeMap<&str, &str> = BTreeMap::new();
    let mut graphs = vec![graph];
    while let Some(graph) = graphs.pop() {
        for node in &graph.node {
            if !known(&node.op_type) {
                unknown.entry(&node.op_type).or_insert(&node.name);
            }
            for attribute in &node.attribute {
                graphs.extend(attribute.g.iter().chain(&attribute.graphs));
            }
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = unknown.keys().copied().collect();
    let word = if names.len() == 1 { "operator" } else { "operators" };
    let mut wrong =
        Diagnostic::input(format!("{file} needs the {word} {}, which tract does not have", names.join(", ")));
    for (operator, node) in unknown {
        wrong = wrong.note(format!("{operator}: node \"{node}\""));
    }
    Err(wrong.hint("export the model without it; detectors of the YOLO family do without (nms=False)"))
}

/// The size of the one input, and that it is a picture.
fn input_size(graph: &GraphProto, file: &str) -> Result<Size, Diagnostic> {
    let mut inputs = graph.input.iter().filter(|input| graph.initializer.iter().all(|i| i.name != input.name));
    let wrong = |what: String| {
        Diagnostic::input(format!("{file} {what}"))
            .hint("a detector takes one picture: 32-bit floats of the shape (1, 3, height, width)")
    };
    let (Some(input), None) = (inputs.next(), inputs.next()) else {
        return Err(wrong("has not exactly one input".to_owned()));
    };
    let Some(type_proto::Value::TensorType(tensor)) = input.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return Err(wrong("has an input that is not a tensor".to_owned()));
    };
    if tensor.elem_type != tensor_proto::DataType::Float as i32 {
        return Err(wrong("has an input of other numbers than 32-bit floats".to_owned()));
    }
    let dims = tensor.shape.iter().flat_map(|shape| &shape.dim).map(|dim| match &dim.value {
        Some(tensor_shape_proto::dimension::Value::DimValue(n)) => Some(*n),
        _ => None,
    });
    let dims: Vec<Option<i64>> = dims.collect();
    let side = |dim: Option<i64>| match dim {
        None | Some(-1) => Some(DEFAULT_SIDE),
        Some(n) => u32::try_from(n).ok().filter(|_| (1..=MAX_SIDE).contains(&n)),
    };
    if let [batch, channels, height, width] = dims[..]
        && matches!(batch, None | Some(-1 | 1))
        && matches!(channels, None | Some(-1 | 3))
        && let (Some(height), Some(width)) = (side(height), side(width))
    {
        return Ok(Size::new(width, height));
    }
    let dims: Vec<String> = dims.iter().map(|dim| dim.map_or("?".to_owned(), |n| n.to_string())).collect();
    Err(wrong(format!("takes an input of the shape ({})", dims.join(", "))))
}

fn has_external_weights(proto: &ModelProto) -> bool {
    let tensors = proto.graph.iter().flat_map(|graph| &graph.initializer);
    tensors.into_iter().any(|tensor| !tensor.external_data.is_empty())
}

/// What tract says, outermost first, each cut to a line.
fn notes(mut diagnostic: Diagnostic, error: &TractError) -> Diagnostic {
    for cause in error.chain() {
        let line: String = cause.to_string().lines().next().unwrap_or_default().chars().take(200).collect();
        diagnostic = diagnostic.note(line);
    }
    diagnostic
}

#[cfg(test)]
mod tests {
    use super::super::onnx::{Graph, coloured_squares};
    use super::*;

    fn load_bytes(bytes: &[u8]) -> Result<Model, Diagnostic> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.onnx");
        std::fs::write(&path, bytes).unwrap();
        Model::load(&path)
    }

    #[test]
    fn runs_convolutions() {
        let model = load_bytes(&coloured_squares(64, 16)).unwrap();
        assert_eq!(model.input(), Size::new(64, 64));
        // A red square at (20, 30) on grey.
        let inside = |i: usize| (20..36).contains(&(i % 64)) && (30..46).contains(&(i / 64));
        let planes: Vec<f32> = (0..3)
            .flat_map(|channel| (0..64 * 64).map(move |i| if inside(i) { [1.0, 0.0, 0.0][channel] } else { 0.5 }))
            .collect();
        let outputs = model.run(&planes).unwrap();
        assert_eq!(outputs[0].shape, [1, 6, 25 * 25]);
        let red = &outputs[0].numbers[4 * 625..5 * 625];
        let best = (0..625).max_by(|a, b| red[*a].total_cmp(&red[*b])).unwrap();
        assert_eq!((best % 25 * 2, best / 25 * 2), (20, 30));
        assert!((red[best] - 1.0).abs() < 1e-4);
    }

    #[test]
    fn an_open_input_is_640_pixels_wide() {
        let graph = Graph::default().node("Relu", &["images"], "out", &[]);
        let model = load_bytes(&graph.model(("images", &[0, 3, 0, 0]), ("out", &[0, 3, 0, 0]))).unwrap();
        assert_eq!(model.input(), Size::new(640, 640));
    }

    #[test]
    fn an_unknown_operator_is_named_with_the_file() {
        let graph = Graph::default().node("FlyToTheMoon", &["images"], "out", &[]);
        let wrong = load_bytes(&graph.model(("images", &[1, 3, 8, 8]), ("out", &[1, 3, 8, 8]))).err().unwrap();
        assert_eq!(wrong.message, "net.onnx needs the operator FlyToTheMoon, which tract does not have");
        assert_eq!(wrong.notes, ["FlyToTheMoon: node \"make out\""]);
        assert_eq!(wrong.tier, autocut::base::Tier::Input);
    }

    /// Operators that tract knows but cannot make out of these inputs.
    #[test]
    fn an_operator_that_does_not_fit_is_named() {
        let graph = Graph::default().floats("w", &[1, 7, 1, 1], &[0.0; 7]);
        let graph = graph.node("Conv", &["images", "w"], "out", &[]);
        let wrong = load_bytes(&graph.model(("images", &[1, 3, 8, 8]), ("out", &[1, 1, 8, 8]))).err().unwrap();
        assert_eq!(wrong.message, "net.onnx cannot be loaded");
        assert!(wrong.notes.iter().any(|note| note.contains("Conv")), "{:?}", wrong.notes);
    }

    #[test]
    fn other_inputs_are_refused() {
        let graph = || Graph::default().node("Relu", &["images"], "out", &[]);
        let wrong = |dims: &[i64]| load_bytes(&graph().model(("images", dims), ("out", dims))).err().unwrap().message;
        assert_eq!(wrong(&[1, 1, 8, 8]), "net.onnx takes an input of the shape (1, 1, 8, 8)");
        assert_eq!(wrong(&[3, 8]), "net.onnx takes an input of the shape (3, 8)");
        assert_eq!(wrong(&[1, 3, 1 << 40, 8]), "net.onnx takes an input of the shape (1, 3, 1099511627776, 8)");
    }

    #[test]
    fn what_is_no_model_is_said_to_be_none() {
        let wrong = load_bytes(b"this is not a model").err().unwrap();
        assert_eq!(wrong.message, "net.onnx is not an ONNX model");
        let mut cut = coloured_squares(64, 16);
        cut.truncate(cut.len() / 2);
        assert!(load_bytes(&cut).is_err());
        assert!(load_bytes(&[]).is_err());
    }

    /// A node whose output is not what the graph's output is called: an index
    /// without a check in tract.
    #[test]
    fn a_damaged_graph_does_not_end_the_process() {
        let graph = Graph::default().node("Relu", &["images"], "other", &[]);
        let wrong = load_bytes(&graph.model(("images", &[1, 3, 8, 8]), ("out", &[1, 3, 8, 8]))).err().unwrap();
        assert_eq!(wrong.message, "net.onnx is a damaged ONNX model");
    }
}
