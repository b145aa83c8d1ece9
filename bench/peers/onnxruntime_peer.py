"""ONNX Runtime's side of the benchmark: predicts in float32, whatever is asked, with the model that PyTorch exports."""

import io
import json
import sys
import warnings

import onnxruntime
import torch

from lines import serve
from torch_models import build, sample


def main():
    case = json.loads(sys.argv[1])
    model, (x, _) = build(case["name"]).eval(), sample(case["name"], case["batch"])
    exported = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), exported, dynamo=False, input_names=["x"], opset_version=17)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = case["threads"]
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(exported.getvalue(), options, providers=["CPUExecutionProvider"])
    feed = {"x": x.numpy()}
    serve(lambda: session.run(None, feed))


main()
