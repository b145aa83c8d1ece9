/** The paragraphs of the language reference on the parts of `train:`: what they mean, and how others have them. */

export const GROUPS = `Every group that fits a weight says something about it; where two say the same, the later one wins, and what the
layer itself says in \`parameters\` wins over all. No decay on biases and normalizations is one line:

\`\`\`yaml
groups: [{kinds: [bias, norm], decay: 0}]
\`\`\`

A group without \`names\` takes all names, one without \`kinds\` all kinds. A pattern that fits no weight is an error.
\`frozen: true\` is that of a layer where the pattern covers all weights of it: batch normalization uses its running
statistics and leaves them as they are.`;

export const CLIPPING = `Acts on the gradients of a step, after accumulation and before the optimizer; where several are given, in the order
of the table. Weight decay is the optimizer's and not clipped; \`l1\`, \`l2\` and \`orthogonal\` are part of the loss and are.`;

export const AVERAGES = `average ← decay · average + (1 − decay) · weights after a step, as PyTorch's AveragedModel does it: the first average is
the weights themselves. (In Keras it begins with the initial weights.) Evaluations, \`best.h5\` and \`weights.h5\` have the
average; checkpoints hold both, so that training goes on from the weights. Running statistics of batch normalization are
those of the training and not averaged.`;

export const LOOKAHEAD = `After every \`steps\` steps slow ← slow + alpha · (weights − slow), and the weights go back to the slow ones, which begin
as the weights at the start of the training, or of a phase.`;

export const PHASES = `Each phase has its own schedule from step 1 and goes on with the state of the optimizer wherever a weight keeps its type
of optimizer; a weight that is thawed begins with a fresh one. The backward pass ends at the first layer that learns, so
freezing saves time and memory. Fine-tuning in four lines:

\`\`\`yaml
phases:
  - {epochs: 1, frozen: backbone, optimizer: {lr: 0.01}}
  - {epochs: 4, optimizer: {lr: 0.001}, discriminative: {names: [backbone/stage1, backbone/stage2, head], low: 0.01}}
\`\`\``;

export const OBJECTIVES = `In a step the objectives that are due run in this order, each on the weights that those before it have left; the random
draws of a step are the same for all. Every loss has to belong to one, every weight to one at most. A GAN:

\`\`\`yaml
objectives:
  - {name: critic, losses: [real, fake], parameters: critic}
  - {name: generator, losses: fooled, parameters: generator}
\`\`\`

Losses are logged as they stand when their objective runs, metrics as they stand before the step, \`loss\` is the sum
over the objectives that ran.`;
