//! Python's pickle, read as data: nothing of it is ever run.
//!
//! A pickle is a program for a small stack machine that may name any Python function. This reader knows the instructions that PyTorch writes
//! and a short list of names; whatever else a file names is refused by that name. Values live in one arena and refer to each other by
//! index, so neither shared nor deeply nested values cost anything, and the memory that a file can claim is limited.
use super::CheckpointError as Error;
use std::sync::Arc;

/// Most values that one file may make. The log of a training with a hundred classes for four thousand epochs, five values for each class and
/// epoch, takes half of them.
const MOST_VALUES: usize = 4 << 20;
/// Most bytes that they may take, all together.
const MOST_BYTES: usize = 256 << 20;
/// Bytes of one value that is kept by its number.
const MEMO_BYTES: usize = 32;
/// What is said where a file claims more.
const TOO_MANY: Error = Error::Pickle("it has too many values");

/// Most axes of a tensor.
const MOST_AXES: usize = 8;
/// Longest name of a storage: `PyTorch` numbers them.
const MOST_KEY_BYTES: usize = 64;

/// Index of a value in [`Pickle`].
pub(super) type Id = usize;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// Keys and values in the order in which they were set.
    Dict(Vec<[Id; 2]>),
    /// A name that stands for a type or function of Python.
    Name(Name),
    /// The place of a tensor's numbers: a member of the archive.
    Storage(Arc<Storage>),
    Tensor(Arc<TensorView>),
    /// Something without meaning here: a number of `NumPy`, a device, bytes.
    Opaque,
}

impl Value {
    /// Bytes that it takes.
    fn bytes(&self) -> usize {
        let beside = match self {
            Self::Text(text) => text.len(),
            Self::Tuple(items) | Self::List(items) => size_of_val(items.as_slice()),
            Self::Dict(entries) => size_of_val(entries.as_slice()),
            Self::Storage(storage) => size_of::<Storage>() + storage.key.len(),
            Self::Tensor(view) => {
                size_of::<TensorView>()
                    + size_of_val(view.shape.as_slice())
                    + size_of_val(view.stride.as_slice())
            }
            Self::None
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Name(_)
            | Self::Opaque => 0,
        };
        size_of::<Self>() + beside
    }
}

/// The names that a checkpoint may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Element),
    /// Made of plain arguments and not needed: the result is [`Value::Opaque`].
    Ignored,
}

/// Type of a tensor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F16,
    Bf16,
    F32,
    F64,
    /// Integers and truth values: they may be there, weights are never of them.
    Other(usize),
}

impl Element {
    /// Bytes of one.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Other(bytes) => bytes,
        }
    }
}

/// Numbers of the archive that tensors are views of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    /// Name of the archive's member under `data/`.
    pub(super) key: String,
    pub(super) element: Element,
    /// How many.
    pub(super) count: usize,
}

/// A tensor: a strided view of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TensorView {
    pub(super) storage: Arc<Storage>,
    /// First element.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// Elements from one index to the next along each axis.
    pub(super) stride: Vec<usize>,
}

/// A pickle's values.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    /// Index of the value that the pickle is.
    pub(super) root: Id,
}

impl Pickle {
    /// Reads a pickle.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut machine = Machine::new(bytes);
        let root = machine.run()?;
        Ok(Self {
            values: machine.values,
            root,
        })
    }

    pub(super) fn value(&self, id: Id) -> &Value {
        self.values.get(id).unwrap_or(&Value::None)
    }

    /// The value under a text key of a dictionary; of several the last.
    pub(super) fn get(&self, dict: Id, key: &str) -> Option<Id> {
        let entries = self.entries(dict)?;
        let found = entries.iter().rev();
        let mut found = found.filter(|[k, _]| matches!(self.value(*k), Value::Text(t) if t == key));
        found.next().map(|[_, value]| *value)
    }

    /// Keys and values of a dictionary.
    pub(super) fn entries(&self, dict: Id) -> Option<&[[Id; 2]]> {
        match self.value(dict) {
            Value::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items of a tuple or list.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.value(id) {
            Value::Tuple(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.value(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let end = self.at.checked_add(count);
        let part = end.and_then(|end| self.bytes.get(self.at..end));
        let part = part.ok_or(Error::Pickle("it ends too early"))?;
        self.at += count;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    fn length(&mut self) -> Result<usize, Error> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn long_length(&mut self) -> Result<usize, Error> {
        usize::try_from(u64::from_le_bytes(self.array()?))
            .ok()
            .ok_or(Error::Pickle("a length is too large"))
    }

    fn text(&mut self, count: usize) -> Result<String, Error> {
        // Python writes lone surrogates of file names in a way that is no UTF-8; names that matter are ASCII.
        Ok(String::from_utf8_lossy(self.take(count)?).into_owned())
    }

    fn line(&mut self) -> Result<String, Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().take(4096).position(|&b| b == b'\n');
        let end = end.ok_or(Error::Pickle("a line does not end"))?;
        let line = self.text(end)?;
        self.at += 1;
        Ok(line)
    }
}

struct Machine<'a> {
    input: Input<'a>,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: std::collections::BTreeMap<usize, Id>,
    /// Bytes that values and what refers to them have taken, those that are no longer needed included.
    claimed: usize,
}

impl<'a> Machine<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Input { bytes, at: 0 },
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: std::collections::BTreeMap::new(),
            claimed: 0,
        }
    }

    fn run(&mut self) -> Result<Id, Error> {
        loop {
            let code = self.input.byte()?;
            if code == b'.' {
                return self.pop();
            }
            self.step(code)?;
        }
    }

    fn step(&mut self, code: u8) -> Result<(), Error> {
        match code {
            // Protocol and frame: nothing to do but to skip them.
            0x80 => {
                let version = self.input.byte()?;
                if version > 5 {
                    return Err(Error::Pickle("its version is not known"));
                }
                Ok(())
            }
            0x95 => self.input.take(8).map(drop),
            b'N' | 0x88 | 0x89 | b'K' | b'M' | b'J' | 0x8a | b'G' | b'I' | b'L' | b'F' => {
                self.constant(code)
            }
            b'X' | 0x8c | 0x8d | b'U' | b'T' | b'C' | b'B' | 0x8e => self.string(code),
            b'(' => {
                if self.marks.len() >= MOST_VALUES {
                    return Err(TOO_MANY);
                }
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.popped_to_mark().map(drop),
            b'2' => {
                let top = self.top()?;
                self.stacked(top)
            }
            b')' => self.push(Value::Tuple(Vec::new())),
            // A list, or a set, whose order matters to nobody here.
            b']' | 0x8f => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let start = self.stack.len().checked_sub(count);
                let start = start.ok_or(Error::Pickle("its stack is empty"))?;
                let items = self.stack.split_off(start);
                self.push(Value::Tuple(items))
            }
            b't' => {
                let items = self.popped_to_mark()?;
                self.push(Value::Tuple(items))
            }
            b'l' => {
                let items = self.popped_to_mark()?;
                self.push(Value::List(items))
            }
            b'd' => {
                let items = self.popped_to_mark()?;
                self.push(Value::Dict(pairs(&items)?))
            }
            b'a' | b'e' | 0x90 => self.append(code == b'a'),
            b's' | b'u' => self.set_items(code == b's'),
            b'q' | b'r' | b'p' | 0x94 => self.put(code),
            b'h' | b'j' | b'g' => self.recall(code),
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.push(Value::Name(known(&module, &name)?))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |id: Id| match self.values.get(id) {
                    Some(Value::Text(text)) => Ok(text.clone()),
                    _ => Err(Error::Pickle("a name is no text")),
                };
                let name = known(&text(module)?, &text(name)?)?;
                self.push(Value::Name(name))
            }
            b'R' | 0x81 => self.reduce(),
            b'b' => self.build(),
            b'Q' => self.persistent(),
            other => Err(Error::Instruction(other)),
        }
    }

    fn push(&mut self, value: Value) -> Result<(), Error> {
        if self.values.len() >= MOST_VALUES {
            return Err(TOO_MANY);
        }
        self.claim(value.bytes())?;
        self.stacked(self.values.len())?;
        self.values.push(value);
        Ok(())
    }

    /// Puts a value on the stack.
    fn stacked(&mut self, id: Id) -> Result<(), Error> {
        // An instruction of one byte repeats the value on top.
        if self.stack.len() >= MOST_VALUES {
            return Err(TOO_MANY);
        }
        self.stack.push(id);
        Ok(())
    }

    /// Counts bytes before they are kept.
    fn claim(&mut self, bytes: usize) -> Result<(), Error> {
        self.claimed = self.claimed.saturating_add(bytes);
        if self.claimed > MOST_BYTES {
            return Err(TOO_MANY);
        }
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, Error> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(Error::Pickle("its stack is empty"));
        }
        self.stack.pop().ok_or(Error::Pickle("its stack is empty"))
    }

    fn top(&self) -> Result<Id, Error> {
        let top = self.stack.last().copied();
        top.ok_or(Error::Pickle("its stack is empty"))
    }

    fn popped_to_mark(&mut self) -> Result<Vec<Id>, Error> {
        let mark = self.marks.pop().ok_or(Error::Pickle("a mark is missing"))?;
        if mark > self.stack.len() {
            return Err(Error::Pickle("its stack is empty"));
        }
        Ok(self.stack.split_off(mark))
    }

    fn constant(&mut self, code: u8) -> Result<(), Error> {
        let value = match code {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'K' => Value::Int(i64::from(self.input.byte()?)),
            b'M' => Value::Int(i64::from(u16::from_le_bytes(self.input.array()?))),
            b'J' => Value::Int(i64::from(i32::from_le_bytes(self.input.array()?))),
            0x8a => {
                let count = usize::from(self.input.byte()?);
                long(self.input.take(count)?)
            }
            b'G' => Value::Float(f64::from_be_bytes(self.input.array()?)),
            b'I' => match self.input.line()?.as_str() {
                "01" => Value::Bool(true),
                "00" => Value::Bool(false),
                digits => digits.parse().map_or(Value::Opaque, Value::Int),
            },
            b'L' => {
                let line = self.input.line()?;
                let digits = line.trim_end_matches('L').parse();
                digits.map_or(Value::Opaque, Value::Int)
            }
            _ => {
                let parsed = self.input.line()?.parse();
                parsed.map_or(Value::Opaque, Value::Float)
            }
        };
        self.push(value)
    }

    fn string(&mut self, code: u8) -> Result<(), Error> {
        let count = match code {
            0x8c | b'U' | b'C' => usize::from(self.input.byte()?),
            0x8d | 0x8e => self.input.long_length()?,
            _ => self.input.length()?,
        };
        let value = match code {
            b'C' | b'B' | 0x8e => {
                self.input.take(count)?;
                Value::Opaque
            }
            _ => Value::Text(self.input.text(count)?),
        };
        self.push(value)
    }

    fn append(&mut self, one: bool) -> Result<(), Error> {
        let items = if one {
            vec![self.pop()?]
        } else {
            self.popped_to_mark()?
        };
        // A list that grows has room for twice as many.
        self.claim(2 * size_of_val(items.as_slice()))?;
        let list = self.top()?;
        match self.values.get_mut(list) {
            Some(Value::List(list)) => list.extend(items),
            Some(Value::Opaque) => {}
            _ => return Err(Error::Pickle("items are added to what is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, one: bool) -> Result<(), Error> {
        let items = if one {
            let (value, key) = (self.pop()?, self.pop()?);
            vec![key, value]
        } else {
            self.popped_to_mark()?
        };
        self.claim(2 * size_of_val(items.as_slice()))?;
        let items = pairs(&items)?;
        let dict = self.top()?;
        match self.values.get_mut(dict) {
            Some(Value::Dict(entries)) => entries.extend(items),
            Some(Value::Opaque) => {}
            _ => return Err(Error::Pickle("items are set in what is no dictionary")),
        }
        Ok(())
    }

    fn put(&mut self, code: u8) -> Result<(), Error> {
        let key = match code {
            b'q' => usize::from(self.input.byte()?),
            b'r' => self.input.length()?,
            b'p' => number(&self.input.line()?)?,
            _ => self.memo.len(),
        };
        let top = self.top()?;
        if self.memo.insert(key, top).is_none() {
            self.claim(MEMO_BYTES)?;
        }
        Ok(())
    }

    fn recall(&mut self, code: u8) -> Result<(), Error> {
        let key = match code {
            b'h' => usize::from(self.input.byte()?),
            b'j' => self.input.length()?,
            _ => number(&self.input.line()?)?,
        };
        let id = self.memo.get(&key).copied();
        self.stacked(id.ok_or(Error::Pickle("it recalls what it never kept"))?)
    }

    /// A call of a function with arguments. Only those of the list above mean something; they are not called but understood.
    fn reduce(&mut self) -> Result<(), Error> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Some(Value::Tuple(arguments)) = self.values.get(arguments) else {
            return Err(Error::Pickle("a call without arguments"));
        };
        let value = match self.values.get(function) {
            Some(Value::Name(Name::OrderedDict)) => Value::Dict(Vec::new()),
            Some(Value::Name(Name::RebuildTensor)) => self.tensor(arguments)?,
            Some(Value::Name(Name::RebuildParameter)) => {
                let data = arguments.first().and_then(|&id| self.values.get(id));
                match data {
                    Some(tensor @ Value::Tensor(_)) => tensor.clone(),
                    _ => return Err(Error::Pickle("a parameter without tensor")),
                }
            }
            Some(Value::Name(Name::Ignored)) => Value::Opaque,
            _ => return Err(Error::Pickle("a call of what is no function")),
        };
        self.push(value)
    }

    fn tensor(&self, arguments: &[Id]) -> Result<Value, Error> {
        let wrong = || Error::Pickle("a tensor is described wrongly");
        let &[storage, offset, shape, stride, ..] = arguments else {
            return Err(wrong());
        };
        let sizes = |id: Id| -> Option<Vec<usize>> {
            let (Value::Tuple(items) | Value::List(items)) = self.values.get(id)? else {
                return None;
            };
            // Tensors share these values, so that a short file could claim them often.
            let few = items.len() <= MOST_AXES;
            few.then(|| items.iter().map(|&id| self.size(id)).collect())?
        };
        let Some(Value::Storage(storage)) = self.values.get(storage) else {
            return Err(wrong());
        };
        Ok(Value::Tensor(Arc::new(TensorView {
            storage: Arc::clone(storage),
            offset: self.size(offset).ok_or_else(wrong)?,
            shape: sizes(shape).ok_or_else(wrong)?,
            stride: sizes(stride).ok_or_else(wrong)?,
        })))
    }

    fn size(&self, id: Id) -> Option<usize> {
        match self.values.get(id)? {
            Value::Int(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }

    /// `object.__setstate__(state)`: what dictionaries and opaque values carry beside their items is not needed.
    fn build(&mut self) -> Result<(), Error> {
        self.pop()?;
        let target = self.top()?;
        match self.values.get(target) {
            Some(Value::Dict(_) | Value::Opaque) => Ok(()),
            _ => Err(Error::Pickle("it changes the state of what has none")),
        }
    }

    /// A reference to a storage: `("storage", type, key, place, count)`.
    fn persistent(&mut self) -> Result<(), Error> {
        let wrong = || Error::Pickle("a storage is described wrongly");
        let id = self.pop()?;
        let Some(Value::Tuple(items)) = self.values.get(id) else {
            return Err(wrong());
        };
        let &[kind, name, key, _, count] = items.as_slice() else {
            return Err(wrong());
        };
        let of = |id: Id| self.values.get(id);
        let storage = match (of(kind), of(name), of(key), self.size(count)) {
            (
                Some(Value::Text(kind)),
                Some(Value::Name(Name::Storage(element))),
                Some(Value::Text(key)),
                Some(count),
            ) if kind == "storage" && key.len() <= MOST_KEY_BYTES => Storage {
                key: key.clone(),
                element: *element,
                count,
            },
            _ => return Err(wrong()),
        };
        self.push(Value::Storage(Arc::new(storage)))
    }
}

/// What a name means. Names that are not on the list are refused: running them is how a pickle does harm.
fn known(module: &str, name: &str) -> Result<Name, Error> {
    let found = match (module, name) {
        ("collections", "OrderedDict") => Name::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Name::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Name::RebuildParameter,
        ("torch", "FloatStorage") => Name::Storage(Element::F32),
        ("torch", "DoubleStorage") => Name::Storage(Element::F64),
        ("torch", "HalfStorage") => Name::Storage(Element::F16),
        ("torch", "BFloat16Storage") => Name::Storage(Element::Bf16),
        ("torch", "LongStorage") => Name::Storage(Element::Other(8)),
        ("torch", "IntStorage") => Name::Storage(Element::Other(4)),
        ("torch", "ShortStorage") => Name::Storage(Element::Other(2)),
        ("torch", "CharStorage" | "ByteStorage" | "BoolStorage") => {
            Name::Storage(Element::Other(1))
        }
        ("torch", "device" | "Size" | "float32" | "float16" | "bfloat16" | "float64" | "int64")
        | ("_codecs", "encode")
        | ("builtins" | "__builtin__", "bytearray" | "set" | "slice" | "complex")
        | ("numpy", "dtype" | "ndarray" | "float32" | "float64" | "int64" | "bool_")
        | ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar" | "_reconstruct") => {
            Name::Ignored
        }
        _ => return Err(Error::Refused(format!("{module}.{name}"))),
    };
    Ok(found)
}

fn pairs(items: &[Id]) -> Result<Vec<[Id; 2]>, Error> {
    let (pairs, rest) = items.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.to_vec())
    } else {
        Err(Error::Pickle("a key without value"))
    }
}

fn number(line: &str) -> Result<usize, Error> {
    line.parse()
        .ok()
        .ok_or(Error::Pickle("a number cannot be read"))
}

/// A little-endian number in two's complement; one of more than eight bytes matters to nobody here.
fn long(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Opaque;
    }
    let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
    let mut all = if negative { [0xff; 8] } else { [0; 8] };
    all[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that a machine holds, counted by what is really reserved.
    fn held(machine: &Machine<'_>) -> usize {
        let beside = machine.values.iter().map(|value| match value {
            Value::Text(text) => text.capacity(),
            Value::Tuple(items) | Value::List(items) => 8 * items.capacity(),
            Value::Dict(entries) => 16 * entries.capacity(),
            Value::Tensor(view) => {
                let axes = view.shape.capacity() + view.stride.capacity();
                16 + size_of::<TensorView>() + 8 * axes
            }
            _ => 0,
        });
        let ids = machine.stack.capacity() + machine.marks.capacity();
        let arena = machine.values.capacity() * size_of::<Value>();
        arena + beside.sum::<usize>() + 8 * ids + 32 * machine.memo.len()
    }

    fn text(text: &str) -> Vec<u8> {
        let length = (text.len() as u32).to_le_bytes();
        [&b"X"[..], &length[..], text.as_bytes()].concat()
    }

    #[test]
    fn a_pickle_of_fifty_megabytes_takes_no_gigabytes_before_it_is_refused() {
        const FILE: usize = 49 << 20;
        let storage = [
            &b"("[..],
            &text("storage")[..],
            &b"ctorch\nFloatStorage\n"[..],
            &text("0")[..],
            &text("cpu")[..],
            &b"K\x01tQ"[..],
        ]
        .concat();
        let sizes = [&b"("[..], &b"K\x01".repeat(8)[..], &b"t"[..]].concat();
        let tensor = [
            &b"ctorch._utils\n_rebuild_tensor_v2\nq\x00("[..],
            &storage[..],
            &b"K\x00"[..],
            &sizes[..],
            &sizes[..],
            &b"tq\x01"[..],
        ]
        .concat();
        let wide = [&b"(N"[..], &b"2".repeat(1000)[..], &b"t"[..]].concat();
        let cases: [(&[u8], &[u8]); 8] = [
            // Lists, marks, one value again and again, values kept by number.
            (b"", b"]"),
            (b"", b"("),
            (b"N", b"2"),
            (b"", b"N\x94"),
            // A list and a dictionary that grow, wide tuples, and tensors that share all that describes them.
            (b"]q\x00", b"h\x00a"),
            (b"}q\x00", b"h\x00h\x00s"),
            (b"", &wide),
            (&tensor, b"h\x00h\x01R"),
        ];
        for (start, again) in cases {
            let bytes = [start, &again.repeat(FILE / again.len())[..]].concat();
            let mut machine = Machine::new(&bytes);
            let refused = machine.run();
            let words = String::from_utf8_lossy(again).into_owned();
            assert!(
                matches!(refused, Err(Error::Pickle(why)) if why.contains("too many")),
                "{words:?}: {refused:?}"
            );
            let mb = held(&machine) >> 20;
            assert!(mb < 512, "{words:?} made {mb} MB");
        }
    }

    #[test]
    fn the_log_of_a_long_training_is_read() {
        // As PyTorch writes NumPy's numbers: what they are is named once, the bytes of each are text in Latin 1.
        let start = [
            &b"cnumpy._core.multiarray\nscalar\nq\x00cnumpy\ndtype\nq\x01c_codecs\nencode\nq\x02"[..],
            &text("latin1")[..],
            &b"q\x03]"[..],
        ]
        .concat();
        let number = [
            &b"h\x00h\x01h\x02"[..],
            &text("\u{0}\u{0}\u{0}\u{0}\u{0}@\u{8f}@")[..],
            &b"\x94h\x03\x86\x94R\x94\x86\x94R\x94a"[..],
        ]
        .concat();
        let numbers = 400_000;
        let bytes = [&start[..], &number.repeat(numbers)[..], &b"."[..]].concat();
        let log = Pickle::read(&bytes).unwrap();
        assert_eq!(log.items(log.root).map(<[Id]>::len), Some(numbers));
    }
}
