/** Words of a model file as text of XML, which the labels of DOT are too. */

/** What XML cannot hold, not even escaped, becomes a replacement character. */
const UNSAYABLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

export const sayable = (text: string): string => text.replace(UNSAYABLE, '\ufffd');

export function xml(text: string): string {
  return sayable(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
