declare module 'opencc-js/dict/TSCharacters' {
  /** "traditional simplified|…" */
  const pairs: string;
  export default pairs;
}
