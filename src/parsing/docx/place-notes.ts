/** What is used of mammoth's document tree, which it has no types for. */
export interface MammothNode {
  type: string;
  children?: MammothNode[];
  value?: string;
  noteType?: string;
  noteId?: string;
  notes?: { resolve(reference: MammothNode): { body: MammothNode[] } | undefined };
  body?: MammothNode[];
}

/**
 * Puts each note behind the paragraph that it belongs to, numbered as '[1]' there and in the text: mammoth would set
 * them all at the end, far from what they are about.
 */
export function placeNotes(document: MammothNode): MammothNode {
  let count = 0;
  const place = (node: MammothNode, found: MammothNode[]): MammothNode => {
    if (node.type === 'noteReference') {
      count += 1;
      found.push(...readNote(document, node, count));
      return { type: 'text', value: `[${count}]` };
    }
    if (!node.children) return node;
    const children = node.children.flatMap((child) => {
      if (child.type !== 'paragraph') return [place(child, found)];
      const notes: MammothNode[] = [];
      return [place(child, notes), ...notes];
    });
    return { ...node, children };
  };
  return place(document, []);
}

/** The paragraphs of a note, the first beginning with its number. A note that refers to notes keeps its own alone. */
function readNote(document: MammothNode, reference: MammothNode, count: number): MammothNode[] {
  const [first, ...others] = document.notes?.resolve(reference)?.body ?? [];
  if (!first) return [];
  const label = { type: 'text', value: `[${count}] ` };
  return [{ ...first, children: [label, ...(first.children ?? [])] }, ...others].map(dropReferences);
}

function dropReferences(node: MammothNode): MammothNode {
  const children = node.children?.filter((child) => child.type !== 'noteReference').map(dropReferences);
  return children ? { ...node, children } : node;
}
