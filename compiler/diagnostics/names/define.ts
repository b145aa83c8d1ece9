/** What other frameworks call our words: for the page on migration and for hints on unknown types. */

export interface Names {
  /** Our word, or several: the first is the usual one. */
  readonly ours: readonly string[];
  readonly caffe: readonly string[];
  readonly keras: readonly string[];
  readonly pytorch: readonly string[];
  /** What is not the same: in Markdown. */
  readonly note: string;
}

export const words = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

/** Names are separated by spaces; none where a framework has no such thing. */
export function names(ours: string, caffe: string, keras: string, pytorch: string, note = ''): Names {
  return { ours: words(ours), caffe: words(caffe), keras: words(keras), pytorch: words(pytorch), note };
}
