/** Opens `type: text`: reads all texts, learns or takes over their encoding, and keeps them as numbers. */
import { dataCorrupt, dataMismatch } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { SpecError } from '../../diagnostics/errors';
import type { SectionSpec } from '../../frontend/spec';
import { bindParts, describeInput, isIntegerInput, isLabelInput, type Binding } from '../bind';
import { LabelColumn } from '../classes';
import type { Dataset, OpenContext } from '../define';
import { checkAsked, type Learned } from '../learned';
import { shuffles, writeLabel } from '../pixels';
import { TextCodec, encodingOf, type TextEncoding } from '../text/encoding';
import { ENCODING_FIELDS, givenVocabulary, isLearned, learnEncoding, plannedEncoding, type Place } from '../text/learn';
import { EncodedTexts } from '../text/rows';
import { readTexts, type TextSamples } from '../text/samples';

const USUAL = { tokenizer: 'word', unknown: 'token', padded: true } as const;

export async function openText(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const problems: Diagnostic[] = [];
  const bound = bindTexts(section, context, problems);
  if (problems.length > 0) throw new SpecError(problems);
  const samples = await readTexts(section, context, bound.has('labels'));
  return new TextDataset(section, context, bound, samples).dataset();
}

function bindTexts(section: SectionSpec, context: OpenContext, problems: Diagnostic[]): Map<string, Binding> {
  const never = (): boolean => false;
  const bound = bindParts(
    section,
    context,
    [
      { name: 'tokens', present: true, accepts: [(input) => isIntegerInput(input) && input.shape.length === 2] },
      { name: 'labels', present: true, accepts: [isLabelInput] },
      { name: 'lengths', present: true, accepts: [never] },
      { name: 'mask', present: true, accepts: [never] },
    ],
    problems,
  );
  const ranks: Readonly<Record<string, number>> = { tokens: 1, labels: 0, lengths: 0, mask: 1 };
  const tokens = bound.get('tokens');
  for (const [part, { input, shape }] of bound) {
    const fits = shape.length === ranks[part] && (part === 'mask' || isIntegerInput(input));
    const sameLength = part !== 'mask' || !tokens || shape[0] === tokens.shape[0];
    if (fits && sameLength) continue;
    problems.push(
      dataMismatch(
        section.at(section.fields.bind === undefined ? [] : ['bind', part]),
        `the ${part} do not fit the input \`${input.name}\``,
        [{ name: input.name, type: describeInput(input), at: input.origin.at }],
        part === 'tokens' || part === 'mask' ? 'they are [N, T]' : 'they are integers [N]',
      ),
    );
  }
  return bound;
}

/** What becomes of the samples when encoding and classes are known. */
class TextDataset {
  #codec: TextCodec | undefined;
  #rows: EncodedTexts | undefined;
  readonly #labels: LabelColumn | undefined;
  readonly #problems: Diagnostic[] = [];
  readonly #plan: TextEncoding;
  readonly #place: Place;

  constructor(
    private readonly section: SectionSpec,
    private readonly context: OpenContext,
    private readonly bound: ReadonlyMap<string, Binding>,
    private readonly samples: TextSamples,
  ) {
    this.#place = { section, path: [], fields: section.fields };
    this.#plan = plannedEncoding(this.#place, USUAL);
    const known = this.#known();
    if (known) this.#encode(known);
    else if (!isLearned(this.#place, this.#plan)) this.#encode(givenVocabulary(this.#place, this.#plan, context));
    if (this.#problems.length > 0) throw new SpecError(this.#problems);
    const input = bound.get('labels')?.input.name;
    const place = (sample: number): string => samples.place(sample);
    if (input !== undefined && samples.labels)
      this.#labels = new LabelColumn(section, context, input, samples.labels, place, 'file');
  }

  dataset(): Dataset {
    const { bound, samples, section, context } = this;
    const current = (): { classes: readonly string[] | undefined; learned: Learned } => this.#learned();
    const groups = (): Int32Array | undefined => this.#labels?.groups;
    const missing = [
      ...(this.#codec ? [] : ['the vocabulary']),
      ...(this.#labels?.isKnown === false ? ['the classes'] : []),
    ];
    return {
      size: samples.texts.length,
      fields: [...bound.values()].map(({ input, shape }) => ({ input: input.name, dtype: input.dtype, shape })),
      shuffle: shuffles(section.fields, context.mode),
      ...(missing.length > 0 ? { learn: (chosen) => this.#learn(chosen), learns: missing.join(' and ') } : {}),
      get groups() {
        return groups();
      },
      get classes() {
        return current().classes;
      },
      get learned() {
        return current().learned;
      },
      read: (indices, _how, into) => {
        for (const [part, { input, shape }] of bound) {
          const rows = into[input.name];
          if (!rows) continue;
          for (let row = 0; row < indices.length; row++) {
            const sample = indices[row]!;
            if (part === 'tokens') this.#rows!.writeTokens(sample, rows, row * shape[0]!);
            else if (part === 'mask') this.#rows!.writeMask(sample, rows, row * shape[0]!);
            else
              writeLabel(rows, row, part === 'labels' ? this.#labels!.numberOf(sample) : this.#rows!.lengthOf(sample));
          }
        }
      },
      close: () => undefined,
    };
  }

  #learn(chosen: Uint32Array): void {
    const { texts } = this.samples;
    if (!this.#codec) {
      const of = function* (): Iterable<string> {
        for (const sample of chosen) yield texts[sample]!;
      };
      this.#encode(learnEncoding(this.#place, this.#plan, of()));
    }
    this.#labels?.learn(chosen);
  }

  /** The encoding of the training data, for the input of the tokens. */
  #known(): TextEncoding | undefined {
    const tokens = this.bound.get('tokens');
    const known = tokens && encodingOf(this.context.learned?.[tokens.input.name]);
    if (!known) return undefined;
    checkAsked(this.section, ENCODING_FIELDS, known.asked, this.#problems);
    return known;
  }

  #encode(encoding: TextEncoding): void {
    const length = (this.bound.get('tokens') ?? this.bound.get('mask'))?.shape[0] ?? Infinity;
    this.#codec = new TextCodec(encoding);
    const { samples } = this;
    this.#rows = new EncodedTexts(this.#codec, length, samples.texts, (sample, problem) => {
      throw new SpecError([dataCorrupt(this.section.at(['file']), samples.place(sample), problem)]);
    });
  }

  #learned(): { classes: readonly string[] | undefined; learned: Learned } {
    const tokens = this.bound.get('tokens')?.input.name;
    const lengths = this.bound.get('lengths')?.input.name;
    const mask = this.bound.get('mask')?.input.name;
    const of = tokens ?? '';
    const learned: Learned = {
      ...(tokens !== undefined && this.#codec ? { [tokens]: { ...this.#codec.encoding } } : {}),
      ...this.#labels?.learned,
      ...(lengths === undefined ? {} : { [lengths]: { kind: 'text_lengths', of } }),
      ...(mask === undefined ? {} : { [mask]: { kind: 'text_mask', of } }),
    };
    return { classes: this.#labels?.names, learned };
  }
}
