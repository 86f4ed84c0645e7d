import { message } from './make.ts';
import type { SandboxMessage } from './types.ts';

const twilight = `<section style="background-color: #0a1420; color: #c8d6e0; padding: 16px;">
<p>从蓝渊往里走，有一条拐了三个弯的黑走廊。请在走廊的长凳上坐满三分钟，让瞳孔慢慢张开，再掀开门帘。里面是<strong>暗光层</strong>，全馆最暗的地方，照度不到 3 勒克斯，大约相当于满月夜里的十倍。</p>
<p><img data-src="https://mmbiz.example/qy/2026/twilight-01.jpg" data-ratio="0.5625" style="width: 100%;" /></p>
<h2 style="color: #fff;">为什么点红灯</h2>
<p>阳光里的红光在水下十几米就被吸收得差不多了，深海动物大多看不见红色。我们打红灯，人看得见它们，它们以为天还黑着。</p>
<h2 style="color: #fff;">十一个缸，住着谁</h2>
<ul><li><p><strong>甘氏巨螯蟹（高脚蟹）</strong>5 只，最大的叫&ldquo;铁塔&rdquo;，两只大螯完全张开 2.7 米。</p></li>
<li><p><strong>鹦鹉螺</strong>12 只，白天挂在岩壁上发呆，15:30 投喂前后才会上上下下地游。</p></li>
<li><p><strong>灯眼鱼</strong>160 尾，眼睛下面各有一只装着发光细菌的&ldquo;口袋&rdquo;，一翻就亮，一翻就灭。</p></li>
<li><p><strong>大王具足虫</strong>4 只，以不吃饭出名。</p></li><li><p><strong>北太平洋巨型章鱼</strong>1 只，以太会吃饭出名。</p></li></ul>
<p>整个展厅水温保持在 8 到 10 &deg;C，缸外会结露，摸上去湿漉漉的，不是漏水。</p>
<blockquote><p>怕黑的小朋友可以向门口的工作人员领一只暗红色的指环灯，不会惊到动物，出来时还回篮子里。</p></blockquote></section>`;

const intertidal = `<section><section><section style="margin: 10px 0;">
<p>一楼进门右手边，就是 42 米长的<strong>潮间带长廊</strong>。它把一片礁石海岸切开，让你从侧面看：最上面是几天才湿一次的浪花带，最下面是永远泡在水里的海藻丛。</p>
<p>头顶的水箱每 90 秒倒一次水，&ldquo;哗&rdquo;的一声，海葵收起触手，藤壶打开小门，螃蟹横着跑。等浪来，是这里唯一正确的看法。</p>
</section></section>
<h3>触摸池怎么摸</h3>
<p>三个触摸池开放时间是 10:00&mdash;12:00、13:30&mdash;16:00，中间让动物歇一歇。每 20 分钟放一批，一批 25 人。</p>
<ol><li><p>先用清水洗手，<strong>不要用洗手液和免洗凝胶</strong>;</p></li><li><p>袖子卷到胳膊肘；</p></li><li><p>只用两根手指，轻轻碰，不捏、不抓、不拿出水面；</p></li><li><p>海胆可以摸刺尖，海参只能摸背，寄居蟹请等它自己出来。</p></li></ol>
<p>池里的海星实行轮班：上岗两小时，回后场休息两天。目前在编的海燕（一种五角海星）有 96 只，排班表贴在墙上，你可以查查今天是谁当值。</p>
<h3>别错过</h3>
<p>长廊第 7 个窗口，有一只住在瓷茶杯碎片里的寄居蟹。它不肯换壳，我们放了十一只漂亮螺壳在旁边，它一只也看不上。</p></section>`;

const abyss = `<section style="margin: 0 8px; line-height: 1.9; letter-spacing: 0.5px;">
<p style="text-align: center;"><img data-src="https://mmbiz.example/qy/2026/abyss-main.jpg" data-ratio="0.42" style="width: 100%;" /></p>
<p>如果只能在馆里待半小时，请直接坐扶梯到地下一层。<strong>蓝渊</strong>在那里，3,200 吨海水，九千来尾鱼，一扇像电影银幕那么大的窗。</p>
<h2>先认识这池水</h2>
<table><tbody>
<tr><td>水量</td><td>3,200 吨</td></tr>
<tr><td>最深处</td><td>8.4 米</td></tr>
<tr><td>水温</td><td>25.5 &deg;C</td></tr>
<tr><td>盐度</td><td>32‰</td></tr>
<tr><td>全池过滤一遍</td><td>80 分钟</td></tr>
<tr><td>主窗</td><td>长 14.6 米，高 5.2 米，亚克力厚 52 厘米</td></tr>
<tr><td>隧道</td><td>长 76 米，拱顶亚克力厚 9 厘米</td></tr>
<tr><td>住户</td><td>68 种，约 9,000 尾，其中鲨鱼 31 尾</td></tr>
</tbody></table>
<p>主窗看着不厚，是因为亚克力和水的折射率接近，半米多的板子像消失了一样。它由七块板现场粘合而成，接缝在第三根柱子右边，找得到算你眼尖。</p>
<h2>怎么看：三个位置</h2>
<section style="border: 1px dashed #7fb3c8; padding: 10px; margin: 12px 0;">
<h3>位置一：主窗前的台阶</h3>
<p>大厅做成了五级宽台阶，像小剧场，坐满约 220 人。第四级的正中间视线最好，不会被人头挡住，也能看见水面。鳐鱼喜欢贴着窗往上飞，它们腹面那张&ldquo;笑脸&rdquo;其实是鼻孔和嘴。</p>
<h3>位置二：隧道入口往里 20 步</h3>
<p>自动步道每秒走 0.25 米，全程 5 分钟出头。多数人在拱顶正中间停下来拍照，其实入口往里 20 步的地方有一块沉船残骸，鲨鱼最爱在那里掉头，白肚皮从你头顶慢慢翻过去。</p>
<h3>位置三：尽头的小圆窗</h3>
<p>隧道出口左手边有一排 6 个小圆窗，高度只到大人的腰。那是给孩子留的。窗后是礁石的背面，裂唇鱼在那里开&ldquo;清洁站&rdquo;，大石斑排着队张嘴等刷牙，最多一次排了 9 条。</p>
</section>
<h2>什么时候看</h2>
<p>地下一层本没有天光，设计师在池顶留了一口采光井。每天 <strong>11:40 到 12:20</strong>，太阳正好照进来，一束一束的光柱插到池底，沙丁鱼群从光里穿过去，像撒了一把硬币。阴天没有，冬天的光会偏向左边的岩壁。</p>
<p>傍晚也好。闭馆前一小时，人散了，灯光由白转蓝，白天活泼的鱼渐渐落到礁石缝里，轮到鲨鱼和夜行的大眼鲷出来。</p>
<h2>几位值得记住名字的住户</h2>
<ul>
<li><p><strong>&ldquo;燕子们&rdquo;:</strong>9 只纳氏鹞鲼，背上撒满白点，翼展最大的一只 1.9 米。它们总是列队游，领头的并不固定，谁在最外圈谁就慢半拍。</p></li>
<li><p><strong>&ldquo;点点&rdquo;:</strong>一尾豹纹鲨，小时候是条纹，长大变成斑点。她白天趴在主窗右下角睡觉，常有人来报告说&ldquo;有条鲨鱼不动了&rdquo;。她没事，只是懒。</p></li>
<li><p><strong>&ldquo;门卫&rdquo;:</strong>一条 1.5 米长的鞍带石斑，在沉船的舱门里住了七年，谁进它的舱它就瞪谁。</p></li>
<li><p><strong>&ldquo;银河&rdquo;:</strong>4,000 多尾沙丁鱼组成的鱼群，一有鲨鱼靠近就拧成一股绳。</p></li>
</ul>
<h2>会不会大鱼吃小鱼</h2>
<p>会，但很少。秘诀是让大家都吃饱：每天投喂 86 公斤，分四轮，先把慢性子的石斑和鳐鱼单独喂了，再喂抢食快的鲹鱼。池底有监控数鱼的程序，沙丁鱼一年少 3% 左右，算是给捕食者发的&ldquo;奖金&rdquo;。</p>
<h2>水里的那班人</h2>
<p>池里每天有人上班。本馆 11 名潜水员排成四班，一班下水 40 分钟，做的事从早到晚是这样的：天亮前吸池底，把昨天的残饵和粪便抽走；开馆前擦主窗，用的是婴儿尿布，因为只有它不留划痕；中午喂食；傍晚数鲨鱼，31 尾一条也不能少。</p>
<p>领队周海平在这池水里待过四千多个小时。问他认不认得每一条鱼，他说沙丁鱼认不得，别的差不多。&ldquo;石斑看我是看送饭的，鹦嘴鱼看我是看一块会冒泡的石头，只有那条豹纹鲨，看都懒得看。&rdquo;</p>
<p>您要是在隧道里看见潜水员朝孩子竖大拇指，请提醒孩子别跟着竖：在水下，那个手势的意思是&ldquo;我要上升&rdquo;。想说&ldquo;很好&rdquo;，用拇指和食指圈一个圈。</p>
<h2>三个总被猜错的问题</h2>
<ol>
<li><p><strong>水是真海水吗？</strong>是。从外海取来，沉淀、过滤、消毒之后才进池，不是自来水加盐。</p></li>
<li><p><strong>水为什么这么蓝？</strong>没有染色。池壁刷的是浅灰，蓝色是八米深的水自己吸掉了红光以后剩下的。</p></li>
<li><p><strong>地震会不会裂？</strong>主窗的四边坐在 6 厘米厚的橡胶垫上，能左右晃动两指宽。2021 年那次有感地震，窗子晃了一下，鱼群转了个向，别的什么也没发生。</p></li>
</ol>
<p>&nbsp;</p>
<p>台阶右侧有一块触摸屏，输入日期，可以看到那一天池里添了谁、少了谁，最早查得到开馆第一天。不少人会输入自己的生日，看看同一天入池的是哪条鱼，然后回到窗前去找它。</p>
<p>最后请记住：隧道里边走边看就好，别在步道上倒着走。去年的摔跤，十次有八次是为了多看鲨鱼一眼。</p></section>`;

const moonlight = `<section><p style="text-align: center;"><em>把声音放低一点，再低一点。</em></p>
<p>二楼<strong>月光厅</strong>没有一条鱼，只有水母。14 个缸，9 种，灯光每 8 分钟完成一次从月出到月落的变化。中间的&ldquo;满月缸&rdquo;是个直径 5.2 米的圆盘，俯身就能看，里面漂着 1,800 只海月水母。</p>
<section style="background: #f3f0fa; padding: 8px 12px;"><h3>缸为什么是圆的</h3><p>水母游得慢，遇到直角就会被水流压在角落里磨破。圆缸里的水贴着壁打转，永远把它们轻轻推回中央，工程师管这叫&ldquo;没有尽头的走廊&rdquo;。</p></section>
<h3>九种水母，哪一种最&hellip;&hellip;</h3>
<table><tbody><tr><th>最&hellip;&hellip;</th><th>是谁</th><th>说明</th></tr>
<tr><td>最长</td><td>太平洋黄金水母</td><td>触手拖开 3.6 米</td></tr>
<tr><td>最懒</td><td>倒立水母</td><td>肚皮朝天躺着，靠体内的藻类晒太阳吃饭</td></tr>
<tr><td>最亮</td><td>维多利亚多管发光水母</td><td>伞缘一圈绿光，要等灯全暗的那 40 秒</td></tr>
<tr><td>最圆</td><td>澳洲斑点水母</td><td>像一颗会跳的蘑菇</td></tr>
<tr><td>最小</td><td>灯塔水母</td><td>伞径 4 毫米，缸前配了放大镜</td></tr></tbody></table>
<p>厅里有 30 个豆袋沙发，可以躺着看天花板上的投影。请脱鞋，请小声，请不要用手机电筒照水母&mdash;&mdash;它们没有眼皮。</p>
<p>缸里的水母寿命多半不到一年，所以每月 1 日会换一次&ldquo;班&rdquo;，每次来看到的都不是同一批。</p></section>`;

/** Four halls that stand alone: the Twilight Zone, the Intertidal Gallery, the Blue Abyss, the Moonlight Hall. */
export const hallMessages: SandboxMessage[] = [
  message('qy_20260720_001', [
    {
      title: '月光厅：没有一条鱼的展厅',
      author: '小屿',
      digest: '十四个圆缸，九种水母，三十个豆袋沙发。',
      content: moonlight,
    },
  ]),
  message('qy_20260525_001', [
    {
      title: '蓝渊观看指南：三个位置、一束光和几位老住户',
      author: '小屿',
      digest: '3,200 吨海水，怎么看才不浪费。',
      content: abyss,
    },
  ]),
  message('qy_20260408_001', [
    {
      title: '潮间带长廊：等浪来',
      author: '小屿',
      digest: '两根手指，摸一只正在上班的海星。',
      content: intertidal,
    },
  ]),
  message('qy_20260119_001', [
    {
      title: '暗光层：请先坐三分钟',
      author: '小屿',
      digest: '全馆最暗的地方，为什么点红灯。',
      content: twilight,
    },
  ]),
];
