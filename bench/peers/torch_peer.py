"""PyTorch's side of the benchmark, in one of its settings; see run.mjs."""

import json
import sys

import torch

from lines import serve
from torch_models import build, loss, sample


def main():
    case = json.loads(sys.argv[1])
    name, batch, training = case["name"], case["batch"], case["mode"] == "train"
    torch.set_num_threads(case["threads"])
    model, (x, labels) = build(name), sample(name, batch)
    if case["nhwc"]:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)

    def precision():
        return torch.autocast("cpu", torch.bfloat16, enabled=case["precision"] == "bfloat16")

    if training:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0001, momentum=0.9, fused=True)

        def forward(x, labels):
            return loss(model(x), labels, name)

        run = torch.compile(forward) if case["compile"] else forward

        def step():
            with precision():
                value = run(x, labels)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            value.item()

        serve(step)
        return

    model.eval()
    if case["compile"]:
        # Weights are constants: what inference in a service would ask for.
        torch._inductor.config.freezing = True
        model = torch.compile(model)

    def step():
        with torch.inference_mode(not case["compile"]), torch.no_grad(), precision():
            model(x)

    serve(step)


main()
