/**
 * Opens `type: npy`: rows of large files are read as they are asked for, so that the data may be larger than memory;
 * small files are read at once, as a read for each row costs more than a small row's training.
 */
import { dataCorrupt, dataMismatch, unknownReference } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { SpecError } from '../../diagnostics/errors';
import type { Fields, InputSpec, SectionSpec } from '../../frontend/spec';
import type { DType } from '../../ir/types';
import { byteSizeOf, elementCount, sameShape } from '../../ir/types';
import { describeInput, sampleShape } from '../bind';
import type { Dataset, DatasetField, OpenContext, TypedArray } from '../define';
import { DataFileError } from '../idx_file';
import { openNpyFile, readAll, readFully, type OpenNpyFile } from '../npy';
import { resolveDataPath } from '../paths';
import { shuffles } from '../pixels';
import { bytesIn, typedArray } from '../typed_array';

/** Bytes of a file up to which it is kept in memory. */
const IN_MEMORY = 2 ** 26;

interface Column extends DatasetField {
  readonly name: string;
  readonly file: OpenNpyFile;
  /** The whole array, where it is small or rows do not lie together in the file. */
  readonly whole: TypedArray | undefined;
}

export async function openNpy(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const problems: Diagnostic[] = [];
  const arrays = section.fields.arrays as Fields;
  if (context.mode !== 'predict') {
    const names = context.inputs.map(({ name }) => name);
    for (const name of Object.keys(arrays)) {
      if (!names.includes(name) && !context.unread?.includes(name))
        problems.push(unknownReference(section.at(['arrays', name]), name, 'model input', names));
    }
  }
  const columns: Column[] = [];
  for (const input of context.inputs) {
    const column = await openColumn(section, context, input, arrays[input.name] as string | undefined, problems);
    if (column) columns.push(column);
  }
  const close = (): void => {
    for (const { file } of columns) void file.handle.close();
  };
  const [first] = columns;
  for (const column of columns.slice(1)) {
    if (column.file.shape[0] === first!.file.shape[0]) continue;
    problems.push(
      dataMismatch(section.at(['arrays', column.input]), 'the files hold different numbers of samples', [
        { name: first!.name, type: `${first!.file.shape[0]!} of them` },
        { name: column.name, type: `${column.file.shape[0]!}` },
      ]),
    );
  }
  if (problems.length > 0) {
    close();
    throw new SpecError(problems);
  }
  const count = first?.file.shape[0] ?? 0;
  return {
    size: count,
    fields: columns.map(({ input, dtype, shape }) => ({ input, dtype, shape })),
    shuffle: shuffles(section.fields, context.mode),
    async read(indices, _how, into) {
      for (const column of columns) await readRows(section, column, indices, into[column.input]);
    },
    close,
  };
}

async function openColumn(
  section: SectionSpec,
  context: OpenContext,
  input: InputSpec,
  name: string | undefined,
  problems: Diagnostic[],
): Promise<Column | undefined> {
  const declared = { name: input.name, type: describeInput(input), at: input.origin.at };
  if (name === undefined) {
    problems.push(
      dataMismatch(
        section.at(['arrays']),
        `nothing in the data goes to the input \`${input.name}\``,
        [declared],
        `add \`${input.name}: FILE.npy\``,
      ),
    );
    return undefined;
  }
  const at = section.at(['arrays', input.name]);
  const shape = sampleShape(section, input, problems);
  let file: OpenNpyFile;
  try {
    file = await openNpyFile(resolveDataPath(section, ['arrays', input.name], name, context));
  } catch (error) {
    if (error instanceof SpecError) problems.push(...error.diagnostics);
    else if (error instanceof DataFileError) problems.push(dataCorrupt(at, name, error.message));
    else throw error;
    return undefined;
  }
  const found = { name, type: `${file.dtype}[${file.shape.join(',')}]` };
  if (file.shape.length === 0 || file.shape[0] === 0) problems.push(dataCorrupt(at, name, 'holds no samples'));
  else if (shape && !sameShape(file.shape.slice(1), shape)) {
    problems.push(dataMismatch(at, `the array does not fit the input \`${input.name}\``, [found, declared]));
  } else if (!serves(file.dtype, input.dtype)) {
    problems.push(
      dataMismatch(
        at,
        `the elements are of another type than the input \`${input.name}\``,
        [found, declared],
        'convert the file with NumPy: `.astype(...)`',
      ),
    );
  } else if (shape) {
    const bytes = byteSizeOf(file.dtype) * elementCount(file.shape);
    const whole = file.fortranOrder || bytes <= IN_MEMORY ? (await readAll(file)).data : undefined;
    return { input: input.name, dtype: input.dtype, shape, name, file, whole };
  }
  await file.handle.close();
  return undefined;
}

/** Which file dtypes an input takes: its own, and the wider ones that NumPy makes by default. */
function serves(file: DType, input: DType): boolean {
  return file === input || (file === 'f64' && input === 'f32') || (file === 'i64' && input === 'i32');
}

async function readRows(
  section: SectionSpec,
  column: Column,
  indices: ArrayLike<number>,
  into: TypedArray | undefined,
): Promise<void> {
  if (!into) return;
  const { file, shape, whole } = column;
  const count = elementCount(shape);
  const bytes = count * byteSizeOf(file.dtype);
  const same = file.dtype === column.dtype;
  const row = same ? undefined : typedArray(file.dtype, count);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    if (whole && same) {
      (into as { set(from: unknown, at: number): void }).set(
        whole.subarray(index * count, (index + 1) * count),
        i * count,
      );
      continue;
    }
    if (whole) {
      convert(section, column, whole.subarray(index * count, (index + 1) * count), into, i * count);
      continue;
    }
    const target = row ? bytesIn(row) : bytesIn(into).subarray(i * bytes, (i + 1) * bytes);
    await readFully(file.handle, target, file.offset + index * bytes).catch((error: unknown) => {
      if (!(error instanceof DataFileError)) throw error;
      throw new SpecError([dataCorrupt(section.at(['arrays', column.input]), column.name, error.message)]);
    });
    if (row) convert(section, column, row, into, i * count);
  }
}

function convert(section: SectionSpec, column: Column, from: TypedArray, into: TypedArray, at: number): void {
  for (let i = 0; i < from.length; i++) {
    const value = from[i]!;
    if (column.dtype !== 'i32' || typeof value === 'number') {
      into[at + i] = value;
      continue;
    }
    if (BigInt.asIntN(32, value) !== value) {
      throw new SpecError([
        dataCorrupt(section.at(['arrays', column.input]), column.name, `${value} does not fit an int32 input`),
      ]);
    }
    into[at + i] = Number(value);
  }
}
