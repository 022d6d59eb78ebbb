"""The words of the generated shop, Chinese and English side by side; `sample.py` makes products of them.

A pair is `zh:en`; pairs are parted by commas, synonyms by `/`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["CATEGORIES", "CITIES", "CLUSTERS", "GENERAL_PHRASES", "SUBCATEGORIES", "Category", "Cluster", "Pair",
           "Subcategory"]  # fmt: skip


class Pair(NamedTuple):
    """One expression in both languages."""

    zh: str
    en: str


class Category(NamedTuple):
    """A top category with its brands, its variants (colour, flavour, edition) and its spread of prices."""

    name: Pair
    brands: tuple[Pair, ...]
    variants: tuple[Pair, ...]
    price_sigma: float


class Cluster(NamedTuple):
    """A planted taste: products of two subcategories that the same people like."""

    scenes: tuple[Pair, ...]
    benefits: tuple[Pair, ...]


class Subcategory(NamedTuple):
    """What a kind of product is called, has and is made of. `price` is the median, in the shop's currency."""

    key: str
    category: str
    cluster: str
    price: float
    nouns: tuple[Pair, ...]
    features: tuple[Pair, ...]
    materials: tuple[Pair, ...]


def _pairs(table: str) -> tuple[Pair, ...]:
    return tuple(Pair(*(side.strip() for side in pair.split(":"))) for pair in table.split(","))


_COLOURS: Final = "黑色:black,白色:white,红色:red,藏青色:navy,米色:beige,墨绿色:dark green,粉色:pink,灰色:grey"
# key | name | price sigma | brands | variants
_CATEGORY_TABLE: Final = f"""
womenswear|女装:Womenswear|0.45|云麓:Yunlu,素缕:Sulvie,花间集:Fleurine,伊莎:Isadora,暖裳:Nuanshe|{_COLOURS}
menswear|男装:Menswear|0.4|柏原:Oakfield,衡山:Hengway,北纬:Norlat,锐图:Rytton,木禾:Muhe|{_COLOURS}
shoes|鞋靴:Shoes|0.4|足迹:Trailmark,飞驰:Fleetway,踏青:Taqin,步云:Buyun,罗兰度:Rolando|{_COLOURS}
bags|箱包:Bags|0.5|行囊:Packwell,途远:Tuyuan,帆影:Sailcraft,贝洛:Bellora,驼峰:Humpback|{_COLOURS}
electronics|数码:Electronics|0.6|星核:Novacore,声澜:Sonalan,极点:Apexon,蓝鲸:Bluewhale,拓维:Tovix|黑色:black,白色:white,银色:silver,深空灰:space grey,蓝色:blue
home|家居:Home|0.55|木语:Woodwise,栖居:Nestora,静屿:Stillisle,棉朵:Cottonbud,北屋:Nordhus|米色:beige,白色:white,原木色:natural wood,墨绿色:dark green,灰色:grey
kitchen|厨房:Kitchen|0.5|味匠:Savorsmith,炊烟:Hearthly,铁心:Ironhart,青瓷坊:Celadon,厨悦:Cookjoy|黑色:black,银色:silver,红色:red,奶白色:cream
beauty|美妆:Beauty|0.5|颜初:Florie,玉容:Jadelle,水漾:Aquelle,芙蕾:Frayla,草木间:Herbana|清爽型:light,滋润型:rich,无香:fragrance-free,旅行装:travel size
baby|母婴:Mother and baby|0.45|小象:Little Elephant,萌芽:Sprout,贝贝熊:Cubby Bear,暖暖:Cosykin,乐童:Joytot|粉色:pink,蓝色:blue,黄色:yellow,米色:beige
sports|运动户外:Sports and outdoors|0.55|山野:Wildridge,峰行:Peakgo,劲燃:Enerblaze,逐浪:Wavechase,赛格:Segpro|黑色:black,橙色:orange,军绿色:army green,蓝色:blue,灰色:grey
food|食品:Food and drink|0.4|山泉里:Springvale,谷香:Grainhill,果然:Fruitful,茗悦:Teajoy,老灶台:Old Stove|礼盒装:gift box,家庭装:family pack,独立小包:single sachets,罐装:tin,尝鲜装:taster pack
books|图书文具:Books and stationery|0.4|墨香:Inkwell Press,学林:Scholars' Grove,启明:Morning Star,纸间:Papermoon,求知:Curio|平装:paperback,精装:hardcover,插图版:illustrated edition,礼盒装:gift box
"""  # noqa: E501

# key | scenes | benefits
_CLUSTER_TABLE: Final = """
office|通勤上班:commuting to work,商务会议:business meetings,出差:business trips|简洁大方:simple and smart,版型挺括:keeps its shape,易打理:easy to care for
romance|约会:dates,度假海边:seaside holidays,下午茶:afternoon tea|显瘦优雅:slimming and elegant,温柔气质:gentle and graceful,飘逸灵动:light and flowing
street|街头穿搭:street style,校园:campus life,音乐节:music festivals|潮流百搭:trendy and easy to match,宽松舒适:loose and comfortable,个性吸睛:eye-catching
formal|婚礼:weddings,晚宴:evening dinners,面试:job interviews|剪裁精良:well tailored,质感高级:fine to the touch,庄重得体:dignified
hiking|徒步登山:hiking and climbing,露营:camping,越野:cross-country trips|防风防雨:keeps out wind and rain,轻量耐用:light and durable,抓地稳固:firm grip
running|晨跑:morning runs,马拉松:marathons,健身房:the gym|缓震回弹:springy cushioning,吸汗速干:wicks sweat and dries fast,透气轻盈:airy and light
travel|长途旅行:long journeys,自驾游:road trips,机场转机:airport transfers|大容量收纳:roomy storage,顺滑静音:smooth and quiet,防盗安心:safe from thieves
audio|听音乐:listening to music,看电影:watching films,直播录音:streaming and recording|音质纯净:pure sound,低音澎湃:deep bass,续航持久:long battery life
gaming|电竞游戏:esports and gaming,宿舍开黑:dorm gaming nights,编程办公:coding|响应灵敏:fast response,手感清脆:crisp feel,炫彩灯效:colourful lighting
smart|智能家庭:the smart home,远程控制:remote control,居家安防:home security|手机联动:works with your phone,省电节能:saves energy,语音操控:voice controlled
bedroom|卧室:the bedroom,午睡:naps,秋冬保暖:warm winter nights|亲肤柔软:soft on the skin,安睡整晚:sound sleep,不起球:does not pill
living|客厅:the living room,书房:the study,新居布置:a new home|温馨氛围:cosy atmosphere,北欧简约:plain Nordic look,稳固不晃:stands firm
baking|家庭烘焙:home baking,生日蛋糕:birthday cakes,周末甜点:weekend desserts|受热均匀:heats evenly,脱模轻松:releases easily,新手友好:easy for beginners
wok|中式爆炒:stir-frying,家常菜:home cooking,年夜饭:family feasts|少油烟:little smoke,不粘易洗:non-stick and easy to wash,锋利省力:sharp and effortless
skincare|日常护肤:daily skincare,熬夜修护:repair after late nights,换季:the change of season|补水保湿:hydrates,温和不刺激:gentle on skin,提亮肤色:brightens the skin
makeup|派对妆容:party looks,日常淡妆:everyday make-up,拍照出镜:photo shoots|持久不脱妆:long lasting,显色饱满:vivid colour,服帖自然:natural finish
newborn|新生儿护理:newborn care,夜间喂养:night feeding,待产包:the hospital bag|安全无毒:safe and non-toxic,亲肤透气:soft and breathable,防漏:leakproof
toddler|亲子游戏:parent-child play,早教启蒙:early learning,幼儿园:kindergarten|锻炼动手能力:trains little hands,色彩鲜艳:bright colours,圆角防护:rounded corners
yoga|瑜伽练习:yoga practice,普拉提:pilates,居家拉伸:stretching at home|防滑减震:non-slip and cushioned,高弹贴合:stretchy fit,塑形放松:tones and relaxes
water|游泳训练:swim training,海边冲浪:surfing,亲水派对:pool parties|防水密封:watertight,防雾清晰:anti-fog and clear,速干抗氯:quick drying and chlorine proof
tea|品茶待客:serving tea to guests,午后小憩:an afternoon break,送长辈:a gift for elders|回甘悠长:long sweet aftertaste,香气清雅:delicate aroma,原产地直供:straight from the origin
snacks|追剧零食:snacks for film nights,办公室分享:sharing at the office,野餐:picnics|酥脆可口:crisp and tasty,低糖健康:low in sugar,越嚼越香:better with each bite
reading|睡前阅读:bedtime reading,读书会:book clubs,假期书单:holiday reading|引人入胜:hard to put down,文笔细腻:finely written,发人深思:thought-provoking
stationery|手账记录:journaling,课堂笔记:class notes,考试备考:exam preparation|书写顺滑:writes smoothly,纸张不透墨:ink does not bleed through,分类清晰:well organised
"""  # noqa: E501

# key | category | cluster | median price | nouns | features | materials
_SUBCATEGORY_TABLE: Final = """
blouse|womenswear|office|139|衬衫:blouse,女士衬衣:women's shirt|蝴蝶结领:bow neck,条纹:striped,长袖:long sleeve,修身:slim fit,翻领:turn-down collar|真丝:silk,雪纺:chiffon,纯棉:cotton
dress|womenswear|romance|219|连衣裙:dress,长裙:maxi dress|碎花:floral,收腰:fitted waist,吊带:spaghetti strap,法式:French style,泡泡袖:puff sleeve,V领:v-neck|雪纺:chiffon,棉麻:cotton and linen,缎面:satin
cardigan|womenswear|romance|169|针织开衫:cardigan,毛衣外套:knit jacket|镂空:openwork,短款:cropped,麻花:cable knit,纽扣:button-up,薄款:thin|羊毛:wool,马海毛:mohair,冰丝:ice silk
hoodie|menswear|street|159|卫衣:hoodie,连帽衫:hooded sweatshirt|印花:printed,加绒:fleece lined,落肩:drop shoulder,拼色:colour block,重磅:heavyweight|纯棉:cotton,毛圈布:terry cloth,华夫格:waffle knit
suit|menswear|formal|699|西装套装:suit,西服外套:blazer|双排扣:double breasted,暗纹:subtle pattern,修身:slim fit,单开叉:single vent,平驳领:notch lapel|羊毛:wool,法兰绒:flannel,亚麻:linen
tie|menswear|formal|99|领带:tie,领结:bow tie|斜纹:twill,波点:polka dot,窄版:skinny,手打:self-tie,提花:jacquard|真丝:silk,涤丝:polyester silk,羊毛:wool
shirt_men|menswear|office|159|男士衬衫:men's dress shirt,商务衬衫:business shirt|免烫:non-iron,细条纹:pinstripe,方领:spread collar,短袖:short sleeve,长袖:long sleeve|长绒棉:long-staple cotton,竹纤维:bamboo fibre,牛津纺:oxford cloth
jacket_men|menswear|hiking|459|冲锋衣:shell jacket,户外夹克:outdoor jacket|三合一:three-in-one,可拆卸内胆:removable liner,连帽:hooded,压胶:taped seams,腋下透气:pit zips|防水面料:waterproof fabric,软壳:softshell,抓绒:fleece
hiking_boots|shoes|hiking|399|登山鞋:hiking boots,徒步靴:trekking boots|高帮:high cut,防撞鞋头:toe cap,快速系带:quick lacing,大底深齿:deep lugs,加宽:wide fit|牛皮:leather,绒面革:suede,防水膜:waterproof membrane
running_shoes|shoes|running|349|跑步鞋:running shoes,慢跑鞋:joggers|碳板:carbon plate,反光条:reflective stripes,厚底:thick sole,竞速:racing,支撑型:stability|飞织网面:knit mesh,发泡中底:foam midsole,橡胶大底:rubber outsole
sneakers|shoes|street|289|板鞋:skate shoes,小白鞋:white sneakers|低帮:low top,厚底:platform,复古:retro,涂鸦:graffiti,魔术贴:velcro|帆布:canvas,超纤皮:microfibre leather,翻毛皮:rough-out leather
heels|shoes|romance|329|高跟鞋:high heels,凉鞋:sandals|细跟:stiletto,尖头:pointed toe,一字带:ankle strap,露趾:open toe,粗跟:block heel|漆皮:patent leather,羊皮:lambskin,绸缎:satin
briefcase|bags|office|359|公文包:briefcase,电脑包:laptop bag|夹层:padded sleeve,斜挎:crossbody,扩容:expandable,横款:horizontal,磁扣:magnetic clasp|头层牛皮:full-grain leather,尼龙:nylon,防泼水布:water-repellent fabric
suitcase|bags|travel|499|行李箱:suitcase,拉杆箱:trolley case|万向轮:spinner wheels,密码锁:combination lock,登机:cabin size,前开口:front opening,铝框:aluminium frame|聚碳酸酯:polycarbonate,铝镁合金:aluminium alloy,防刮材质:scratch-proof shell
travel_backpack|bags|travel|259|旅行背包:travel backpack,双肩包:rucksack|干湿分离:wet and dry pockets,隐藏口袋:hidden pocket,可扩展:extendable,充电接口:charging port,胸带:chest strap|牛津布:oxford fabric,涤纶:polyester,防泼水尼龙:water-repellent nylon
clutch|bags|formal|279|手拿包:clutch,晚宴包:evening bag|珍珠链条:pearl chain,亮片:sequined,迷你:mini,信封款:envelope,水钻:rhinestone|缎面:satin,蛇纹皮:snake-print leather,金属网:metal mesh
headphones|electronics|audio|459|头戴耳机:headphones,降噪耳机:noise-cancelling headphones|主动降噪:active noise cancelling,蓝牙:bluetooth,可折叠:foldable,双设备连接:two-device pairing,低延迟:low latency|蛋白皮耳罩:protein leather pads,记忆海绵:memory foam,钛膜单元:titanium drivers
speaker|electronics|audio|329|蓝牙音箱:bluetooth speaker,音响:sound box|环绕立体声:surround stereo,防水:waterproof,便携:portable,重低音:heavy bass,麦克风:microphone|木质箱体:wooden cabinet,织物网罩:fabric grille,铝合金:aluminium
keyboard|electronics|gaming|329|机械键盘:mechanical keyboard,游戏键盘:gaming keyboard|青轴:blue switches,热插拔:hot-swappable,无线三模:tri-mode wireless,全键无冲:full key rollover,紧凑布局:compact layout|双色注塑键帽:double-shot keycaps,铝合金上盖:aluminium top case,消音棉:sound-damping foam
mouse|electronics|gaming|199|游戏鼠标:gaming mouse,电竞鼠标:esports mouse|可调配重:adjustable weights,侧键宏:side-button macros,无线:wireless,高精度传感器:precision sensor,人体工学:ergonomic|磨砂涂层:matte coating,蜂窝外壳:honeycomb shell,伞绳线:paracord cable
camera_home|electronics|smart|199|监控摄像头:security camera,智能门铃:smart doorbell|夜视:night vision,双向通话:two-way talk,移动侦测:motion detection,云台旋转:pan and tilt,人脸识别:face recognition|防水外壳:weatherproof housing,广角镜头:wide-angle lens,磁吸底座:magnetic base
smart_lamp|home|smart|149|智能灯泡:smart bulb,智能吸顶灯:smart ceiling lamp|定时开关:timer,无级调光:stepless dimming,色温可调:tunable white,人体感应:motion sensing,分组控制:group control|亚克力灯罩:acrylic shade,节能芯片:energy-saving chip,阻燃外壳:flame-retardant housing
bedding|home|bedroom|299|四件套:bedding set,被套:duvet cover|贡缎:sateen weave,加厚:thickened,磨毛:brushed,刺绣:embroidered,格纹:checked|长绒棉:long-staple cotton,天丝:lyocell,亚麻:linen
pillow|home|bedroom|129|枕头:pillow,护颈枕:neck pillow|高低可调:adjustable height,慢回弹:slow rebound,可水洗:washable,蝶形:butterfly shaped,防螨:anti-mite|乳胶:latex,记忆棉:memory foam,荞麦壳:buckwheat hulls
bookshelf|home|living|359|书架:bookshelf,置物架:storage shelf|落地:free standing,五层:five tier,免打孔:no drilling,带门:with doors,转角:corner|松木:pine,胡桃木:walnut,钢架:steel frame
rug|home|living|239|地毯:rug,茶几垫:coffee-table mat|几何图案:geometric pattern,长毛:shaggy,可机洗:machine washable,圆形:round,吸音:sound absorbing|羊毛:wool,黄麻:jute,雪尼尔:chenille
oven|kitchen|baking|459|电烤箱:electric oven,空气炸锅:air fryer|上下独立控温:separate top and bottom heat,热风循环:hot air circulation,可视窗口:viewing window,定时:timer,大容量:large capacity|搪瓷内胆:enamel interior,不锈钢:stainless steel,双层玻璃:double glass
cake_mould|kitchen|baking|59|蛋糕模具:cake mould,烤盘:baking tray|活底:loose bottom,六寸:six inch,玛德琳:madeleine,加深:deep,戚风:chiffon cake|碳钢:carbon steel,食品级硅胶:food-grade silicone,阳极铝:anodised aluminium
wok|kitchen|wok|259|炒锅:wok,铁锅:iron pan|无涂层:uncoated,平底:flat bottom,木柄:wooden handle,带盖:with lid,轻量:lightweight|铸铁:cast iron,熟铁:wrought iron,钛合金:titanium alloy
knife|kitchen|wok|189|菜刀:cleaver,厨师刀:chef's knife|锻打:forged,砍骨:bone chopping,锯齿:serrated,一体成型:one piece,夹钢:clad|大马士革钢:damascus steel,不锈钢:stainless steel,陶瓷:ceramic
serum|beauty|skincare|239|精华液:serum,面部精华:face essence|淡斑:spot fading,抗皱:anti-wrinkle,控油:oil control,舒缓:soothing,紧致:firming|玻尿酸:hyaluronic acid,烟酰胺:niacinamide,积雪草:centella
face_mask|beauty|skincare|99|面膜:face mask,睡眠面膜:sleeping mask|清洁毛孔:pore cleansing,免洗:leave-on,冷敷:cooling,去黄:anti-dullness,修护:repairing|绿泥:green clay,蚕丝膜布:silk sheet,芦荟:aloe
lipstick|beauty|makeup|159|口红:lipstick,唇釉:lip glaze|哑光:matte,丝绒:velvet,镜面:glossy,豆沙:rosy brown,正红:true red|蜂蜡:beeswax,植物油:plant oils,维生素E:vitamin E
palette|beauty|makeup|189|眼影盘:eyeshadow palette,腮红:blusher|大地色:earth tones,珠光:pearly,九色:nine colours,亮闪:glitter,玫瑰:rose|细腻粉质:fine powder,云母:mica,玉米淀粉:corn starch
diaper|baby|newborn|129|纸尿裤:nappies,拉拉裤:pull-up pants|超薄:ultra thin,尿显条:wetness indicator,夜用:overnight,弹力腰围:stretch waist,新生儿号:newborn size|无纺布:non-woven fabric,吸水芯体:absorbent core,竹纤维:bamboo fibre
bottle|baby|newborn|89|奶瓶:baby bottle,吸管杯:straw cup|防胀气:anti-colic,宽口径:wide neck,感温变色:heat sensing,带手柄:with handles,重力球:weighted straw|玻璃:glass,食品级材质:food-grade material,液态硅胶:liquid silicone
blocks|baby|toddler|129|积木:building blocks,拼插玩具:construction toy|大颗粒:large pieces,磁力:magnetic,字母:alphabet,交通主题:traffic theme,数字:numbers|榉木:beech wood,环保塑料:eco-friendly plastic,软胶:soft rubber
picture_book|baby|toddler|59|绘本:picture book,点读书:talking book|立体翻翻:lift-the-flap,双语:bilingual,撕不烂:tear-proof,触摸:touch and feel,儿歌:nursery rhymes|布书:cloth pages,纸板:board pages,大豆油墨:soy ink
tent|sports|hiking|599|帐篷:tent,天幕:tarp|双人:two person,自动速开:instant pop-up,四季:four season,前厅:vestibule,双层:double layer|涂层防水布:coated waterproof cloth,铝杆:aluminium poles,银胶:silver coating
fitness|sports|running|199|运动手环:fitness band,跳绳:skipping rope|心率监测:heart-rate monitor,计数:counter,轴承:ball bearing,负重:weighted,配速提醒:pace alert|硅胶:silicone,钢丝绳:steel wire,泡棉手柄:foam handles
yoga_mat|sports|yoga|139|瑜伽垫:yoga mat,健身垫:exercise mat|加厚:extra thick,体位线:alignment lines,双面:double sided,可折叠:foldable,加宽:extra wide|天然橡胶:natural rubber,软木:cork,环保发泡:eco foam
leggings|sports|yoga|159|瑜伽裤:yoga leggings,紧身裤:tights|高腰:high waist,裸感:barely-there feel,提臀:lifting,口袋:pockets,七分:capri length|莱卡:lycra,锦纶:nylon,空气层:scuba fabric
swimwear|sports|water|169|泳衣:swimsuit,泳裤:swim trunks|连体:one piece,平角:boxer cut,防晒:sun protective,露背:open back,分体:two piece|抗氯面料:chlorine-resistant fabric,氨纶:spandex,再生锦纶:recycled nylon
goggles|sports|water|99|泳镜:swimming goggles,浮潜面罩:snorkel mask|近视:prescription,镀膜:mirrored,大框:large frame,一体鼻桥:one-piece nose bridge,全干式:full dry|硅胶密封圈:silicone seal,聚碳酸酯镜片:polycarbonate lens,钢化玻璃:tempered glass
green_tea|food|tea|129|绿茶:green tea,龙井茶:longjing tea|明前:pre-Qingming,头采:first pick,手工炒制:hand roasted,高山:high mountain,嫩芽:tender buds|西湖产区:West Lake gardens,生态茶园:organic garden,春茶:spring leaf
teaware|kitchen|tea|199|茶具:tea set,紫砂壶:zisha teapot|手绘:hand painted,一壶四杯:one pot four cups,旅行:travel,过滤:with strainer,描金:gilded|紫砂:purple clay,骨瓷:bone china,高硼硅玻璃:borosilicate glass
nuts|food|snacks|69|坚果:mixed nuts,腰果:cashews|盐焗:salt baked,蜂蜜:honey,原味:plain,每日:daily portion,奶香:milky|夏威夷果:macadamia,巴旦木:almond,核桃仁:walnut kernels
chips|food|snacks|29|薯片:potato crisps,锅巴:crispy rice|番茄味:tomato flavour,麻辣:spicy,海苔:seaweed,烧烤味:barbecue flavour,非油炸:not fried|马铃薯:potato,糯米:glutinous rice,紫薯:purple sweet potato
novel|books|reading|49|长篇小说:novel,悬疑小说:thriller|获奖:prize-winning,历史:historical,科幻:science fiction,武侠:martial arts,治愈:heart-warming|新译本:new translation,作者签名:signed by the author,完整版:unabridged
essay|books|reading|45|散文集:essays,人物传记:biography|名家:by a master,游记:travel writing,双语对照:parallel text,回忆录:memoir,哲思:philosophical|手稿影印:facsimile pages,轻型纸:light paper,护封:dust jacket
notebook|books|stationery|39|笔记本:notebook,手账本:journal|点阵:dotted,活页:loose leaf,横线:ruled,周计划:weekly planner,口袋:pocket size|道林纸:woodfree paper,皮面:leather cover,棉布封面:cloth cover
pen|books|stationery|59|钢笔:fountain pen,中性笔:gel pen|细尖:fine nib,按动:retractable,速干:quick dry,透明:demonstrator,礼品:gift|黄铜笔杆:brass barrel,树脂:resin,金尖:gold nib
"""  # noqa: E501

GENERAL_PHRASES: Final = _pairs(
    "现货当天发货:In stock and shipped the same day,七天无理由退换:returns accepted within seven days,"
    "正品保证:genuine guaranteed,送礼自用皆宜:good as a gift or for yourself,多次回购的口碑好物:often bought again,"
    "包装精美:beautifully packed,新老顾客都喜欢:loved by old and new customers,全国联保:nationwide warranty"
)
# city, province
CITIES: Final = (
    ("北京", "北京"), ("上海", "上海"), ("广州", "广东"), ("深圳", "广东"), ("杭州", "浙江"), ("宁波", "浙江"),
    ("成都", "四川"), ("武汉", "湖北"), ("南京", "江苏"), ("苏州", "江苏"), ("西安", "陕西"), ("长沙", "湖南"),
    ("青岛", "山东"), ("厦门", "福建"), ("重庆", "重庆"), ("郑州", "河南"),
)  # fmt: skip


def _rows(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.strip().splitlines()]


CATEGORIES: Final = {
    key: Category(Pair(*name.split(":")), _pairs(brands), _pairs(variants), float(sigma))
    for key, name, sigma, brands, variants in _rows(_CATEGORY_TABLE)
}
CLUSTERS: Final = {key: Cluster(_pairs(scenes), _pairs(benefits)) for key, scenes, benefits in _rows(_CLUSTER_TABLE)}
SUBCATEGORIES: Final = tuple(
    Subcategory(key, category, cluster, float(price), _pairs(nouns), _pairs(features), _pairs(materials))
    for key, category, cluster, price, nouns, features, materials in _rows(_SUBCATEGORY_TABLE)
)
