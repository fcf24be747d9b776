"""Reads pprof's profile.proto with Google's protobuf, from a description made here: not with the
code that wrote it."""

import gzip
import os
import sys

# Debian's package, also for an interpreter that came from elsewhere.
sys.path.append("/usr/lib/python3/dist-packages")
os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# Message, field, number, kind ("*" repeated).
FIELDS = """
ValueType type 1 int64
ValueType unit 2 int64
Label key 1 int64
Label str 2 int64
Label num 3 int64
Sample location_id 1 *uint64
Sample value 2 *int64
Sample label 3 *Label
Mapping id 1 uint64
Mapping memory_start 2 uint64
Mapping memory_limit 3 uint64
Mapping filename 5 int64
Line function_id 1 uint64
Line line 2 int64
Location id 1 uint64
Location mapping_id 2 uint64
Location address 3 uint64
Location line 4 *Line
Function id 1 uint64
Function name 2 int64
Function system_name 3 int64
Function filename 4 int64
Profile sample_type 1 *ValueType
Profile sample 2 *Sample
Profile mapping 3 *Mapping
Profile location 4 *Location
Profile function 5 *Function
Profile string_table 6 *string
Profile time_nanos 9 int64
Profile duration_nanos 10 int64
Profile period_type 11 ValueType
Profile period 12 int64
Profile comment 13 *int64
Profile default_sample_type 14 int64
"""


def _message_class():
    file = descriptor_pb2.FileDescriptorProto(name="pprof.proto", package="pprof", syntax="proto3")
    messages = {}
    for line in FIELDS.split("\n"):
        if not line:
            continue
        message, name, number, kind = line.split()
        if message not in messages:
            messages[message] = file.message_type.add(name=message)
        field = messages[message].field.add(name=name, number=int(number))
        field.label = 3 if kind.startswith("*") else 1
        kind = kind.lstrip("*")
        types = {"int64": 3, "uint64": 4, "string": 9}
        if kind in types:
            field.type = types[kind]
        else:
            field.type = 11
            field.type_name = f".pprof.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(
        pool.FindMessageTypeByName("pprof.Profile"))


class Profile:
    """samples: a list of (functions innermost first, {sample type: value}, {label: value})."""

    def __init__(self, path):
        raw = _message_class()()
        with gzip.open(path) as file:
            raw.ParseFromString(file.read())
        text = raw.string_table
        assert text[0] == "", "the first string is empty"
        self.raw = raw
        self.types = [text[t.type] for t in raw.sample_type]
        self.units = [text[t.unit] for t in raw.sample_type]
        self.default_type = text[raw.default_sample_type]
        self.files = {text[f.filename] for f in raw.function}
        self.mappings = [text[m.filename] for m in raw.mapping]
        functions = {f.id: text[f.name] for f in raw.function}
        mappings = {m.id for m in raw.mapping} | {0}
        locations = {}
        for location in raw.location:
            assert location.mapping_id in mappings
            locations[location.id] = [functions[line.function_id] for line in location.line]
        self.samples = []
        for sample in raw.sample:
            assert len(sample.value) == len(self.types)
            names = [name for number in sample.location_id for name in locations[number]]
            labels = {text[l.key]: text[l.str] or l.num for l in sample.label}
            self.samples.append((names, dict(zip(self.types, sample.value)), labels))

    def total(self, kind, function=None, **labels):
        """The sum over samples with a function in their stack whose name begins so."""
        return sum(values[kind] for names, values, found in self.samples
                   if (function is None or any(name.startswith(function) for name in names))
                   and all(found.get(key) == value for key, value in labels.items()))
