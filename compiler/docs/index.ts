/** The pages of the documentation that are made of the definitions, by their path in the repository. */
import { languagePage } from './language';
import { migrationPage } from './migration';
import { pageOf, referencePages } from './reference';

/** `commands` is the chapter on the command line, which the compiler does not know. */
export function documentationPages(commands: string): Readonly<Record<string, string>> {
  const reference = Object.entries(referencePages(commands));
  return {
    'docs/language.md': languagePage(),
    'docs/migration.md': migrationPage(pageOf),
    ...Object.fromEntries(reference.map(([name, text]) => [`docs/reference/${name}`, text])),
  };
}
