"""Networks as ONNX models, which other programs run. Needs the extra `onnx`."""

from funcnn.bridges.onnx.graph_values import Value as Value
from funcnn.bridges.onnx.graphs import Graph as Graph
from funcnn.bridges.onnx.models import save_onnx as save_onnx
from funcnn.bridges.onnx.models import to_onnx as to_onnx
from funcnn.bridges.onnx.walking import Part as Part
from funcnn.bridges.onnx.walking import Rule as Rule

__all__ = ["Graph", "Part", "Rule", "Value", "save_onnx", "to_onnx"]
