export { closeDraft } from './close-draft.ts';
export { listImages } from './images.ts';
export { takePiece } from './pieces.ts';
export { renderMarkdown } from './render.ts';
export { defuseThink } from './think.ts';
