// Type-aware rules for TypeScript, plain ones for scripts; formatting is Prettier's.
import tseslint from 'typescript-eslint';

export default tseslint.config(
  // The only JavaScript that is not a module: jest's configuration.
  { ignores: ['dist/', 'build/', 'runs/', 'node_modules/', 'coverage/', '**/*.js'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { files: ['**/*.mjs'], extends: [tseslint.configs.strict, tseslint.configs.stylistic] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Numbers in messages are wanted everywhere in a compiler's diagnostics.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Index access is checked by noUncheckedIndexedAccess; loops over typed arrays need the assertion to stay fast.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
);
