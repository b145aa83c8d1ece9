/** Sources and tests are transformed as CommonJS; packages that ship only ES modules go through the same transform. */
module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: {
    '^.+\\.[jt]s$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(chalk|h5wasm|@bufbuild|hyparquet)/)'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/build'],
  globals: { DLC_VERSION: require('./package.json').version },
  testTimeout: 30000,
  maxWorkers: 2,
};
